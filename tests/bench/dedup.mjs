// What gc-dedup --clock=event prints, byte for byte.
import { eachLine, flush, print, STATUS } from './lines.mjs';
import { Window } from './window.mjs';

const window = new Window(500, ({ line }, merged) => {
  if (merged === undefined) {
    print(line);
    return;
  }
  const end = line.lastIndexOf('}');
  print(`${line.slice(0, end)},"merged":${JSON.stringify(merged)}}`);
});

await eachLine((line) => {
  const event = JSON.parse(line);
  if (event.event === STATUS) window.push(line, event);
  else print(line);
});
window.flush();
flush();
