/* A peer on otr.js, steered by the lines that ../libotr.c describes, and
 *   key HEX      a private key as its own library packs it (to make one takes this language long)
 * Must never talk to anything but standard input and output.
 * Standard: OTR versions 2 and 3; its package lies where NODE_PATH says.
 */
"use strict";

const { DSA, OTR } = require("otr");
const numbers = require("otr/vendor/bigint.js");
const readline = require("readline");

/* The library writes its commitment's key down as a number, and one that begins with a zero digit
 * is read as another one afterwards: it would break one exchange in 16. */
const random = numbers.randBigInt;
numbers.randBigInt = (bits, high) => {
    for (;;) {
        const value = random(bits, high);
        if (bits !== 128 || numbers.bitSize(value) > 124) return value;
    }
};

/* Returns nothing: a listener of this library that returns true is never called again. */
function say(...words) {
    process.stdout.write(words.join(" ") + "\n");
}
const hex = (text) => Buffer.from(text, "utf8").toString("hex") || "-";
const raw = (bytes) => Buffer.from(bytes, "latin1").toString("hex") || "-";
const text = (digits) => (digits === "-" ? "" : Buffer.from(digits, "hex").toString("utf8"));
const tick = () => new Promise((done) => setTimeout(done, 0));

let key = null;
let otr = null;

function open() {
    otr = new OTR({ priv: key || new DSA() });
    otr.REQUIRE_ENCRYPTION = true;
    otr.ALLOW_V2 = false;
    otr.on("ui", (message, encrypted) => say(encrypted ? "text" : "plain", hex(message)));
    otr.on("io", (message) => say("out", hex(message)));
    otr.on("error", () => say("event", 0));
    otr.on("status", (state) => {
        if (state === OTR.CONST.STATUS_AKE_SUCCESS) say("secure", otr.their_priv_pk.fingerprint(), raw(otr.ssid));
        if (state === OTR.CONST.STATUS_END_OTR) say("insecure");
    });
    otr.on("smp", (type, data) => {
        if (type === "question") say("ask", data ? hex(data) : "-");
        if (type === "trust") say("smp", data ? "equal" : "different");
        if (type === "abort") say("smp aborted");
    });
    otr.on("file", (type, extra, name) => say("symkey 1", hex(name), raw(extra)));
}

const commands = {
    start: () => otr.sendQueryMsg(),
    end: () => otr.endOtr(),
    /* The library counts a piece without the 36 bytes that version 3 puts around it. */
    max: (size) => (otr.fragment_size = Math.max(0, Number(size) - 36)),
    versions: (digits) => ((otr.ALLOW_V2 = digits.includes("2")), (otr.ALLOW_V3 = digits.includes("3"))),
    fingerprint: () => say("fingerprint", otr.priv.fingerprint()),
    send: (digits) => otr.sendMsg(text(digits)),
    receive: (digits) => otr.receiveMsg(text(digits)),
    /* The library knows one use of the extra key: a file, whose name goes with it. */
    symkey: (use, digits) => {
        const name = text(digits);
        otr.sendFile(name);
        say("symkey 1", hex(name), raw(otr.sessKeys[1][0].extra_symkey));
    },
    smp: (secret) => otr.smpSecret(text(secret)),
    smpq: (question, secret) => otr.smpSecret(text(secret), text(question)),
    answer: (secret) => otr.smpSecret(text(secret)),
    abort: () => otr.sm.abort(),
};

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const [word, ...rest] = line.split(" ");
        if (word === "key") {
            key = DSA.parsePrivate(Buffer.from(rest[0], "hex").toString("base64"));
        } else {
            if (!otr) open();
            commands[word](...rest);
            do await tick();
            while (otr.outgoing.length > 0);
        }
        say("done");
    }
}

main();
