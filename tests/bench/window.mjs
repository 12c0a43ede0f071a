// The window of gc-dedup with --clock=event: of several events of one agent
// and tier the latest, with what it stands for.  letOut is called with what
// was held: the latest event, its line, and what was merged, or undefined.

export class Window {
  constructor(windowMs, letOut) {
    this.windowMs = windowMs;
    this.letOut = letOut;
    this.held = new Map();	// in the order first held
    this.heap = [];		// by the time of the first event held
    this.order = 0;
  }

  push(line, event) {
    const { data } = event;
    const ms = Date.parse(data.timestamp);
    this.endBy(ms);
    const key = data.queueId === null ? data.userId :
      `${data.userId}/${data.queueId}`;
    let held = this.held.get(key);
    if (held !== undefined) {
      const same = held.items.find((item) => item.ms === ms);
      if (same?.data.status === data.status) return;
      if (same !== undefined) {
        this.end(held);
        held = undefined;
      }
    }
    if (held === undefined) {
      held = { key, first: ms, order: this.order++, over: false,
        items: [{ ms, data }], line, event };
      this.held.set(key, held);
      this.sift(held);
      return;
    }
    let at = held.items.length;
    while (at > 0 && held.items[at - 1].ms > ms) at--;
    if (at === held.items.length) {
      held.line = line;
      held.event = event;
    }
    held.items.splice(at, 0, { ms, data });
  }

  flush() {
    for (const held of this.held.values()) this.end(held);
    this.heap = [];
  }

  // What an event so late ends, in the order first held.
  endBy(ms) {
    const { heap } = this;
    const due = [];
    while (heap.length > 0 && ms - heap[0].first >= this.windowMs) {
      const held = this.pop();
      if (!held.over) due.push(held);
    }
    if (due.length > 1) due.sort((a, b) => a.order - b.order);
    for (const held of due) this.end(held);
  }

  end(held) {
    const { items } = held;
    held.over = true;
    this.held.delete(held.key);
    if (items.length === 1) {
      this.letOut(held, undefined);
      return;
    }
    let intact = true;
    for (let i = 1; i < items.length; i++) {
      const previous = items[i].data.previousStatus;
      if (previous !== null && previous !== items[i - 1].data.status)
        intact = false;
    }
    const { previousStatus, timestamp } = items[0].data;
    this.letOut(held, { count: items.length, previousStatus,
      since: timestamp, intact });
  }

  sift(held) {
    const { heap } = this;
    let i = heap.push(held) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent].first <= held.first) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = held;
  }

  pop() {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return top;
    let i = 0;
    for (let child; (child = 2 * i + 1) < heap.length; i = child) {
      if (child + 1 < heap.length && heap[child + 1].first < heap[child].first)
        child++;
      if (heap[child].first >= last.first) break;
      heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
  }
}
