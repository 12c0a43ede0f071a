// The roster that a user would keep: status events on stdin, one line an
// agent at the end, and the counts.  Of gc-reduce's rules those about
// order; nothing is doubted, numbered or handed on.
import { eachLine, flush, print } from './lines.mjs';

const roster = new Map();
const counts = { events: 0, applied: 0, stale: 0, duplicate: 0 };

function fold(line) {
  const { userId, queueId, status, previousStatus, timestamp, wrapUpCode } =
    JSON.parse(line).data;
  let agent = roster.get(userId);
  if (agent === undefined) {
    agent = { global: null, queues: new Map() };
    roster.set(userId, agent);
  }
  const tier = queueId === null ? agent.global : agent.queues.get(queueId);
  counts.events++;
  if (tier != null) {
    if (timestamp < tier.lastUpdatedTimestamp) { counts.stale++; return; }
    if (timestamp === tier.lastUpdatedTimestamp) {
      if (status === tier.currentStatus) { counts.duplicate++; return; }
      if (previousStatus !== tier.currentStatus) { counts.stale++; return; }
    }
    tier.currentStatus = status;
    tier.previousStatus = previousStatus;
    tier.wrapUpCode = wrapUpCode;
    tier.lastUpdatedTimestamp = timestamp;
  } else {
    const fresh = { currentStatus: status, previousStatus, wrapUpCode,
      lastUpdatedTimestamp: timestamp };
    if (queueId === null) agent.global = fresh;
    else agent.queues.set(queueId, fresh);
  }
  counts.applied++;
}

await eachLine(fold);
for (const userId of [...roster.keys()].sort()) {
  const { global, queues } = roster.get(userId);
  print(JSON.stringify({ userId, global, queues: Object.fromEntries(queues) }));
}
print(JSON.stringify({ counts }));
flush();
