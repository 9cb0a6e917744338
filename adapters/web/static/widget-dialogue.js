// What has been said, merged by sequence number: whatever comes twice or late is shown once and in order.

export class Dialogue {
  constructor(id) {
    this.id = id;
    this.seq = this.seen = this.delivered = 0;
    this.messages = new Map();
    this.state = {};
  }

  /** Take a `ready` or `news` frame; returns the messages that were not known before. */
  take({ seq, state, omitted, messages = [] }) {
    this.seq = Math.max(this.seq, seq);
    if (state) {
      this.state = state;
      this.seen = Math.max(this.seen, state.read);
    }
    const fresh = messages.filter((message) => !this.messages.has(message.seq));
    if (omitted) this.gap = fresh[0]?.seq;
    for (const message of messages) {
      const known = this.messages.get(message.seq);
      if (!((known?.changed || 0) > (message.changed || 0))) this.messages.set(message.seq, message);
    }
    if (fresh.length) this.messages = new Map([...this.messages].sort(([one], [other]) => one - other));
    return fresh;
  }

  /** Unsent messages, without those the desk already shows although its answer is still under way. */
  pending({ outbox, tried }) {
    const own = [...this.messages.values()].filter((message) => message.from === "customer" && !message.changed);
    const latest = own.slice(-outbox.length).map((message) => message.text.trim());
    return outbox.filter((frame) => {
      if (frame.t !== "message" || (frame.conversation !== this.id && !frame.problem)) return false;
      const at = tried.has(frame.id) ? latest.indexOf(frame.text.trim()) : -1;
      if (at >= 0) latest.splice(at, 1);
      return at < 0;
    });
  }

  /** Whether the last word is a technician's. */
  get answered() {
    return [...this.messages.values()].pop()?.from === "agent";
  }

  get unread() {
    return [...this.messages.values()].filter(({ seq, from }) => seq > this.seen && from !== "customer").length;
  }
}
