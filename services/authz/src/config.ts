import { type ConfigKey, list } from "@plinth/kernel";
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
};
