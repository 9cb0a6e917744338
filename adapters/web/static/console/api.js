// Requests of the console. Changes carry the session's token and an id of our own, so that a repeated one is harmless.

import { newId } from "./dom.js";

const RETRIES = 2;

export class RequestFailed extends Error {
  constructor(status, body) {
    super(body.message || "Something went wrong. Try again.");
    this.status = status;
    this.code = body.code || "failed";
    this.field = body.field || null;
    this.fields = body.fields || {};
  }
}

export const csrf = () => document.querySelector("meta[name=csrf]").content;

export async function read(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  return send(`/console/api${path}${query.size ? `?${query}` : ""}`, { method: "GET" });
}

/** Sends a change; cut connections are tried again under the same id. */
export async function change(path, body = {}, id = newId()) {
  const request = { method: "POST", headers: headers(), body: JSON.stringify({ ...body, id }) };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await send(`/console/api${path}`, request);
    } catch (error) {
      const cut = !(error instanceof RequestFailed) || error.status === 503;
      if (!cut || attempt >= RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** attempt));
    }
  }
}

export async function signOut() {
  await send("/console/sign-out", { method: "POST", headers: headers() });
  location.assign("/console/sign-in");
}

export function headers() {
  return { "X-CSRF-Token": csrf(), "Content-Type": "application/json" };
}

export function askToSignIn() {
  location.assign(`/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export async function send(address, request) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", cache: "no-store", ...request });
  } catch {
    throw new Error("The desk cannot be reached. Check your connection and try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) askToSignIn();
  if (!response.ok) throw new RequestFailed(response.status, body);
  return body;
}
