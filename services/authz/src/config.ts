import { type ConfigKey, durationMs, list } from "@plinth/kernel";
import { parseSubject } from "./domain/relationship/entity.ts";

const admins = list(
  "PLINTH_AUTHZ_ADMINS",
  "subjects that become admins of platform:plinth at start, for example service:plinth-cli; comma-separated",
  { default: [] },
);

/** The keys of this service alone. */
export const authzConfig = {
  admins: {
    ...admins,
    parse: (text) =>
      admins.parse(text).map((subject) => {
        parseSubject(subject);
        return subject;
      }),
  } satisfies ConfigKey<string[]>,
  decisionTtlMs: durationMs(
    "PLINTH_AUTHZ_DECISION_TTL",
    "how long a check without a consistency token may be answered from memory: how long a revocation may be overlooked; 0s: never",
    { default: "0s" },
  ),
};
