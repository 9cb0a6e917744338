// Preloaded into the playground: it has no setting for the address, and a test listens on loopback only.
"use strict";
const { Server } = require("node:net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (...given) {
  if (given[0] && typeof given[0] === "object" && given[0].port !== undefined) {
    given[0] = { ...given[0], host: "127.0.0.1" };
  } else if (typeof given[0] === "number" || /^\d+$/.test(given[0])) {
    if (typeof given[1] === "string") given[1] = "127.0.0.1";
    else given.splice(1, 0, "127.0.0.1");
  }
  return listen.apply(this, given);
};
