// The rules of gc-reduce for status events, its lines byte for byte save
// `at`: gc-lines(5).  An agent's object is the line's, changed in place.

const TIER = { currentStatus: null, previousStatus: null, wrapUpCode: null,
  queueId: null, lastUpdatedTimestamp: null, verified: false,
  source: 'event' };

export class Roster {
  constructor(print) {
    this.print = print;
    this.agents = new Map();
    this.seq = 0;
  }

  gap(agent, reason, detail) {
    this.print(JSON.stringify({ event: 'gc:gap', at: new Date().toISOString(),
      userId: agent.userId, reason, seq: agent.seq, ...detail }));
  }

  doubt(agent, tier, data, previous) {
    this.gap(agent, 'sequence', { queueId: data.queueId,
      expected: tier.currentStatus, got: previous, status: data.status,
      timestamp: data.timestamp });
  }

  // data: the event's; merged: what gc-dedup says beside it, or undefined
  fold(data, merged) {
    const { userId, queueId, status, timestamp } = data;
    const previous = (merged ?? data).previousStatus;
    let agent = this.agents.get(userId);
    const fresh = agent === undefined;
    if (fresh) {
      agent = { event: 'gc:agent', at: '', seq: 0, userId, name: null,
        ...TIER, queues: {}, effective: { global: null, queues: {} } };
      this.agents.set(userId, agent);
    }
    let tier = queueId !== null ? agent.queues[queueId] :
      agent.currentStatus !== null ? agent : undefined;
    let gap = false;
    let same = false;
    if (tier !== undefined) {
      const held = tier.lastUpdatedTimestamp;
      if (timestamp < held) return;
      same = timestamp === held;
      if (same) {
        if (status === tier.currentStatus) return;
        gap = tier.verified;
        if (data.previousStatus !== tier.currentStatus) {
          if (!gap) return;
          agent.seq = ++this.seq;
          tier.verified = false;
          this.doubt(agent, tier, data, previous);
          return;
        }
      } else if (!(merged?.intact && merged.since <= held)) {
        gap = (previous !== null && previous !== tier.currentStatus) ||
          merged?.intact === false;
      }
    }
    agent.seq = ++this.seq;
    if (gap) this.doubt(agent, tier, data, previous);
    if (tier === undefined) tier = add(agent, queueId);
    else if (!gap && !same && previous !== null) tier.verified = true;
    tier.previousStatus = data.previousStatus;
    tier.currentStatus = status;
    tier.wrapUpCode = data.wrapUpCode;
    tier.lastUpdatedTimestamp = timestamp;
    if (gap) tier.verified = false;
    if (fresh && queueId !== null) {
      agent.verified = tier.verified = false;
      this.gap(agent, 'start');
    }
    settle(agent, queueId);
    agent.at = new Date().toISOString();
    this.print(JSON.stringify(agent));
  }
}

// A tier that is not held yet; the queues stand sorted by id.
function add(agent, queueId) {
  if (queueId === null) {
    agent.verified = true;
    return agent;
  }
  const tier = { ...TIER, queueId, verified: true };
  const last = Object.keys(agent.queues).at(-1);
  agent.queues[queueId] = tier;
  if (last > queueId) {
    const ids = Object.keys(agent.queues).sort();
    agent.queues = Object.fromEntries(ids.map((id) => [id, agent.queues[id]]));
    agent.effective.queues = Object.fromEntries(ids.map((id) => [id, null]));
    for (const id of ids) settle(agent, id);
  }
  return tier;
}

function settle(agent, queueId) {
  const global = agent.currentStatus;
  const { effective, queues } = agent;
  effective.global = global;
  if (queueId !== null) {
    effective.queues[queueId] = effectiveOf(global, queues[queueId]);
    return;
  }
  for (const id in queues) effective.queues[id] = effectiveOf(global, queues[id]);
}

function effectiveOf(global, queue) {
  if (global !== 'Available') return global;
  return queue.currentStatus === 'Available' ? 'Available' :
    `Queue ${queue.currentStatus}`;
}
