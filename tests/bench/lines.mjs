// Lines in and lines out, as fast as Node has them: input split by the chunk,
// output joined and written once a chunk.
import { writeSync } from 'node:fs';

export const STATUS = 'routing:agents:status:updated';

const BLOCK = 1 << 17;
let held = '';

export function flush() {
  const bytes = Buffer.from(held);
  held = '';
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

export function print(line) {
  held += line;
  held += '\n';
  if (held.length >= BLOCK) flush();
}

export async function eachLine(take) {
  let rest = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    const text = rest + chunk;
    let start = 0;
    let end;
    while ((end = text.indexOf('\n', start)) !== -1) {
      if (end > start) take(text.slice(start, end));
      start = end + 1;
    }
    rest = text.slice(start);
    flush();
  }
  if (rest !== '') take(rest);
}
