// Files of messages: pictures shown small, everything else as a download; and uploads.

import { RequestFailed, askToSignIn, headers } from "./api.js";
import { h, icon } from "./dom.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function filesOf(message) {
  const files = message.files || [];
  if (!files.length) return null;
  return h("ul", { class: "files" }, files.map((file) => h("li", {}, fileLink(file))));
}

function fileLink(file) {
  const address = `/console/files/${encodeURIComponent(file.id)}`;
  if (PICTURES.includes(file.type)) {
    const picture = h("img", { src: `${address}?inline`, alt: file.name, loading: "lazy" });
    return h("a", { href: `${address}?inline`, target: "_blank", rel: "noopener", class: "picture", title: file.name }, picture);
  }
  return h("a", { href: address, download: file.name, class: "file" },
    icon("file"), h("span", { class: "file-name", dir: "auto" }, file.name), h("span", { class: "size" }, size(file.size)));
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** Sends one file for a later message and returns what it is known by. */
export function upload(file, conversation, internal, progress) {
  const query = new URLSearchParams({ conversation, ...(internal ? { internal: "1" } : {}) });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/console/files?${query}`);
    request.responseType = "json";
    request.setRequestHeader("X-CSRF-Token", headers()["X-CSRF-Token"]);
    request.setRequestHeader("X-Chatdesk-Name", encodeURIComponent(file.name || "picture.png"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(request.response);
      else if (request.status === 401) askToSignIn();
      else reject(new RequestFailed(request.status, request.response || {}));
    });
    request.addEventListener("error", () => reject(new Error("The file did not arrive. Check your connection and try again.")));
    request.send(file);
  });
}
