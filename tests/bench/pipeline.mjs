// pipeline.mjs URL: gc-subscribe, gc-dedup --clock=event and gc-reduce in one
// process: an event is parsed once and never written between them.
import { dial } from './socket.mjs';
import { flush, print, STATUS } from './lines.mjs';
import { Roster } from './fold.mjs';
import { Window } from './window.mjs';

const roster = new Roster(print);
const window = new Window(500, (held, merged) =>
  roster.fold(held.event.data, merged));
let due = false;

function turn() {
  due = false;
  flush();
}

dial(process.argv[2], { skipUTF8Validation: true }, (data) => {
  const line = data.toString();
  const event = JSON.parse(line);
  if (event.event === STATUS) window.push(line, event);
  else print(line);
  if (!due) {
    due = true;
    setImmediate(turn);
  }
}, () => {
  window.flush();
  flush();
});
