// Files: sent with progress, shown as pictures or offered for saving. The browser's secret travels in a
// header, never in an address, so pictures are fetched and shown from memory.

import { button, h, icon, size } from "./widget-dom.js";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const MOST = 10;

export class Files {
  constructor(link) {
    this.link = link;
    this.pictures = new Map();
  }

  /** Send a file; `progress` gets 0 to 1. Resolves to what the desk calls it. */
  upload(file, conversation, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const failed = () => reject(new Error("The file could not be sent. Please check your connection."));
      request.open("POST", this.link.address("files", `&conversation=${conversation}`));
      request.setRequestHeader("X-Chatdesk-Visitor", this.link.secret);
      request.setRequestHeader("X-Chatdesk-Name", encodeURIComponent(file.name || "screenshot.png"));
      request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
      request.onerror = request.onabort = failed;
      request.onload = () => {
        try {
          const found = JSON.parse(request.responseText);
          if (request.status < 300) resolve(found);
          else reject(new Error(found.message));
        } catch {
          failed();
        }
      };
      request.send(file);
    });
  }

  /** Return the address in memory of something only this browser may read. */
  async fetch(path, more) {
    const headers = { "X-Chatdesk-Visitor": this.link.secret };
    const answer = await fetch(this.link.address(path, more), { headers });
    if (!answer.ok) throw new Error("This could not be loaded. Please try again.");
    return URL.createObjectURL(await answer.blob());
  }

  /** Hand something over to be saved. */
  async save(path, more, name) {
    const href = await this.fetch(path, more);
    h("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }

  /** Draw one file of a message. */
  show({ id, name, type, size: bytes }) {
    const note = h("span", { class: "error", role: "status" });
    const save = () => this.save(`files/${id}`, "", name).catch((error) => (note.textContent = error.message));
    const label = [icon("file"), h("span", {}, name), h("small", {}, size(bytes))];
    const shown = h("button", { type: "button", class: "file", "aria-label": `Save ${name}`, on: { click: save } }, label);
    if (PICTURES.has(type)) {
      this.picture(id).then((src) => {
        const image = h("img", { src, alt: name, on: { error: () => shown.replaceChildren(...label) } });
        shown.replaceChildren(image);
        shown.classList.add("picture");
      }, () => {});
    }
    return h("div", {}, shown, note);
  }

  picture(id) {
    if (!this.pictures.has(id)) {
      const loading = this.fetch(`files/${id}`, "&inline=1");
      loading.catch(() => this.pictures.delete(id));
      this.pictures.set(id, loading);
    }
    return this.pictures.get(id);
  }
}

/** The files that go with the next message. */
export class Attachments {
  constructor(files, changed) {
    Object.assign(this, { files, changed, items: [] });
    this.element = h("ul", { class: "attachments", "aria-label": "Files to send" });
  }

  add(list, conversation) {
    for (const file of list) this.addOne(file, conversation);
    this.changed();
  }

  addOne(file, conversation) {
    const bar = h("progress", { max: "1", value: "0", "aria-label": `Sending ${file.name}` });
    const note = h("span", { class: "error", role: "alert" });
    const item = {};
    const remove = button("Remove", () => this.remove(item), { class: "link", "aria-label": `Remove ${file.name}` });
    item.element = h("li", {}, h("span", {}, file.name || "Screenshot"), h("small", {}, size(file.size)), bar, note, remove);
    this.items.push(item);
    this.element.append(item.element);
    const failed = ({ message }) => {
      item.failed = true;
      note.textContent = message;
      bar.remove();
      this.changed();
    };
    if (this.items.length > MOST) return failed({ message: `One message takes ${MOST} files at most.` });
    const done = (found) => {
      item.id = found.id;
      bar.remove();
      this.changed();
    };
    return this.files.upload(file, conversation, (part) => (bar.value = part)).then(done, failed);
  }

  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    item.element.remove();
    this.changed();
  }

  get busy() {
    return this.items.some((item) => !item.id && !item.failed);
  }

  /** Take the ids of what has arrived; what failed stays to be seen. */
  take() {
    const ready = this.items.filter((item) => item.id);
    for (const item of ready) this.remove(item);
    return ready.map((item) => item.id);
  }

  get ready() {
    return this.items.some((item) => item.id);
  }
}
