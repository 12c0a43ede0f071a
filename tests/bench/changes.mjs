// What gc-reduce prints: a gc:agent line a change, a gc:gap line a doubt.
import { eachLine, flush, print, STATUS } from './lines.mjs';
import { Roster } from './fold.mjs';

const roster = new Roster(print);

await eachLine((line) => {
  const event = JSON.parse(line);
  if (event.event === STATUS) roster.fold(event.data, event.merged);
  else print(line);
});
flush();
