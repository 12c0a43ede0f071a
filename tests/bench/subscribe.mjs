// subscribe.mjs URL [--fast]: each message on a line of its own.  --fast: no
// check of UTF-8, and what came in one turn is written at once.
import { dial } from './socket.mjs';

const [url, mode] = process.argv.slice(2);
const newline = Buffer.from('\n');
let pending = [];

function flush() {
  process.stdout.write(Buffer.concat(pending));
  pending = [];
}

if (mode === '--fast') {
  dial(url, { skipUTF8Validation: true }, (data) => {
    if (pending.length === 0) setImmediate(flush);
    pending.push(data, newline);
  }, flush);
} else {
  dial(url, {}, (data) => process.stdout.write(`${data}\n`), () => {});
}
