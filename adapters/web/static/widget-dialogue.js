// What has been said, merged by sequence number: whatever comes twice or late is shown once and in order.

export class Dialogue {
  constructor() {
    this.begin(null);
  }

  begin(id) {
    this.id = id;
    this.seq = 0;
    this.messages = new Map();
    this.state = {};
    this.place = null;
    this.typist = "";
    this.seen = 0;
  }

  /** Take a `ready` or `news` frame; returns the messages that were not known before. */
  take({ conversation, seq, state, messages = [] }) {
    if (conversation !== this.id) this.begin(conversation);
    if (!conversation) return [];
    this.seq = Math.max(this.seq, seq);
    this.state = state;
    this.seen = Math.max(this.seen, state.read);
    if (state.phase !== "waiting") this.place = null;
    const fresh = [];
    for (const message of messages) {
      const known = this.messages.get(message.seq);
      if (!known) fresh.push(message);
      if (!known || (message.changed || 0) >= (known.changed || 0)) this.messages.set(message.seq, message);
    }
    if (fresh.length) {
      this.messages = new Map([...this.messages].sort(([one], [other]) => one - other));
      if (fresh.some((message) => message.from === "agent")) this.typist = "";
    }
    return fresh;
  }

  /** Unsent messages, without those the desk already shows although its answer is still under way. */
  pending({ outbox, tried }) {
    const shown = [...this.messages.values()].filter((message) => message.from === "customer" && !message.edited);
    const latest = shown.slice(-outbox.length).map((message) => message.text.trim());
    return outbox.filter((frame) => {
      if (frame.t !== "message" || frame.conversation !== this.id) return false;
      const at = tried.has(frame.id) ? latest.indexOf(frame.text.trim()) : -1;
      if (at < 0) return true;
      latest.splice(at, 1);
      return false;
    });
  }

  get unread() {
    return [...this.messages.values()].filter((m) => m.seq > this.seen && m.from !== "customer").length;
  }
}
