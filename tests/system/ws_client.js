// SPDX-License-Identifier: MIT
/*
 * ws_client.js URL ORIGIN [PROTOCOL]
 *
 * A client of the WebSocket with npm's ws: what it reads it prints, a message
 * a line; a line of standard input is what it sends, as a JSON string, or
 *
 *   !ping TEXT    a ping; its pong is printed as "pong TEXT"
 *   !binary TEXT  a binary message
 *   !pieces TEXT  a message in frames of a character each
 *   !close CODE   a close frame
 *
 * Prints "open PROTOCOL" first and "close CODE" last.
 */
"use strict";

const path = require("path");
const readline = require("readline");
const WebSocket = require(path.join(
    __dirname, "../../build/npm/node_modules/ws"));

const [url, origin, protocol] = process.argv.slice(2);
const ws = new WebSocket(url, protocol ? [protocol] : [],
    { origin, perMessageDeflate: true });
const say = (text) => process.stdout.write(text + "\n");

ws.on("open", () => say("open " + ws.protocol));
ws.on("message", (data, binary) => say((binary ? "binary " : "") + data));
ws.on("pong", (data) => say("pong " + data));
ws.on("unexpected-response", (request, response) => {
	say("status " + response.statusCode);
	process.exit(0);
});
ws.on("error", (e) => say("error " + e.message));
ws.on("close", (code) => {
	say("close " + code);
	process.exit(0);
});

function pieces(text) {
	const all = [...text];
	all.forEach((c, i) => ws.send(c, { fin: i === all.length - 1 }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
	const [, command, rest] = /^!(\w+) (.*)$/.exec(line) || [];
	if (command === "ping")
		ws.ping(rest);
	else if (command === "binary")
		ws.send(Buffer.from(rest), { binary: true });
	else if (command === "pieces")
		pieces(rest);
	else if (command === "close")
		ws.close(Number(rest));
	else
		ws.send(JSON.parse(line));
});
