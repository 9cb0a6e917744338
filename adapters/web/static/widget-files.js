// Files: sent with progress, shown as pictures or offered for saving. The browser's secret travels in a
// header, never in an address, so pictures are fetched and shown from memory.

import { button, h } from "./widget-dom.js";

const MOST = 10;

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

export class Files {
  constructor(link) {
    this.link = link;
    this.pictures = {};
  }

  /** Send a file; `progress` gets 0 to 1. Resolves to what the desk calls it. */
  upload(file, conversation, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", this.link.address("files", `&conversation=${conversation}`));
      request.setRequestHeader("X-Chatdesk-Visitor", this.link.secret);
      request.setRequestHeader("X-Chatdesk-Name", encodeURIComponent(file.name));
      request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
      request.onloadend = () => {
        let found = {};
        try {
          found = JSON.parse(request.responseText);
        } catch {
          // No answer, or not the desk's.
        }
        if (found.id) resolve(found.id);
        else reject(found.message || "The file could not be sent. Please try again.");
      };
      request.send(file);
    });
  }

  /** Return the address in memory of something only this browser may read. */
  async fetch(path, more) {
    const answer = await fetch(this.link.address(path, more), { headers: { "X-Chatdesk-Visitor": this.link.secret } });
    if (!answer.ok) throw answer;
    return URL.createObjectURL(await answer.blob());
  }

  /** Hand something over to be saved; `failed` is told when that cannot be done. */
  save(path, more, download, failed) {
    this.fetch(path, more).then(
      (href) => h("a", { href, download }).click(),
      () => failed("This could not be loaded. Please try again."),
    );
  }

  /** Draw one file of a message. */
  show({ id, name, type, size: bytes }) {
    const note = h("span.error", { role: "status" });
    const save = () => this.save(`files/${id}`, "", name, (text) => note.append(text));
    const shown = button("file", name, save, `Save ${name}`);
    const plain = () => shown.replaceChildren(name, h("small", size(bytes)));
    plain();
    if (/^image\/(png|jpeg|gif|webp)$/.test(type)) {
      this.pictures[id] ||= this.fetch(`files/${id}`, "&inline=1");
      this.pictures[id].then(
        (src) => shown.replaceChildren(h("img", { src, alt: name, onerror: plain })),
        () => delete this.pictures[id],
      );
    }
    return h("div", shown, note);
  }
}

/** The files that go with the next message. */
export class Attachments {
  constructor(files, changed) {
    Object.assign(this, { files, changed, items: [] });
    this.element = h("ul", { "aria-label": "Files to send" });
  }

  async add(file, conversation) {
    const bar = h("progress", { value: 0, "aria-label": `Sending ${file.name}` });
    const note = h("span.error", { role: "alert" });
    const item = {};
    item.element = h("li", file.name, h("small", size(file.size)), bar, note);
    item.element.append(button("link", "Remove", () => this.remove(item), `Remove ${file.name}`));
    this.items.push(item);
    this.element.append(item.element);
    this.changed();
    try {
      if (this.items.length > MOST) throw `A message takes at most ${MOST} files.`;
      item.id = await this.files.upload(file, conversation, (part) => (bar.value = part));
    } catch (text) {
      item.failed = true;
      note.append(text);
    }
    bar.remove();
    this.changed();
  }

  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    item.element.remove();
    this.changed();
  }

  get busy() {
    return this.items.some((item) => !item.id && !item.failed);
  }

  get ready() {
    return this.items.filter((item) => item.id);
  }

  /** Take the ids of what has arrived; what failed has been seen by now, and goes too. */
  take() {
    const { ready } = this;
    this.items = [];
    this.element.replaceChildren();
    this.changed();
    return ready.map(({ id }) => id);
  }
}
