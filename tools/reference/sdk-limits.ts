import type { Limit } from "./limit-list.ts";

/** The client for users. Go and Python have the same figures. */
export const sdkLimits: Readonly<Record<string, readonly Limit[]>> = {
  "sdk/typescript/src/plinth.ts": [
    {
      name: "defaultTimeoutMs",
      meaning: "the deadline of calls that bring none, retries included; option `timeoutMs`",
    },
  ],
  "sdk/typescript/src/call-transport.ts": [
    { name: "slackMs", meaning: "beyond a call's deadline, for the library to end the call itself" },
  ],
  "sdk/typescript/src/retries.ts": [
    { name: "attemptsMax", meaning: "attempts of a call that may be made again" },
    { name: "backoffInitialMs", meaning: "the longest wait before the second attempt; doubled for each after it" },
    { name: "backoffMaxMs", meaning: "the longest wait before an attempt" },
    { name: "budgetMax", meaning: "retries of a client at once; over time they are a tenth of its calls" },
    {
      name: "pushBackMsMax",
      meaning: "a server that wants to be left alone for longer is not called again in the call",
    },
  ],
  "sdk/typescript/src/token-source.ts": [
    { name: "renewBeforeMs", meaning: "an access token is renewed so long before it is over, or in its last fifth" },
  ],
  "sdk/typescript/src/node-transport.ts": [
    { name: "fallbackMs", meaning: "HTTP/1.1 is used after HTTP/2 did not pass, until it is tried again" },
    { name: "probeTimeoutMs", meaning: "finding out whether HTTP/2 passes" },
    { name: "pingIntervalMs", meaning: "between two pings of a connection with calls" },
    { name: "pingTimeoutMs", meaning: "an answer to a ping" },
    { name: "messageMaxBytes", meaning: "a message, in either direction" },
  ],
};
