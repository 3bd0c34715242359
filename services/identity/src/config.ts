import { availableParallelism } from "node:os";
import { integer, list, optionalText } from "@plinth/kernel";

export const config = {
  erasureServices: list(
    "PLINTH_IDENTITY_ERASURE_SERVICES",
    "services that hold data about users and confirm that they erased it; your own as name.namespace",
    { default: ["auth", "authz", "audit"] },
  ),
  passwordLengthMin: integer(
    "PLINTH_IDENTITY_PASSWORD_LENGTH_MIN",
    "characters of a password at least; NIST SP 800-63B-4 asks for 15 without a second factor",
    {
      default: 15,
      min: 8,
      max: 64,
    },
  ),
  blocklistFile: optionalText(
    "PLINTH_IDENTITY_BLOCKLIST_FILE",
    "text file with passwords to refuse, one a line, for example from a breach list",
  ),
  // OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
  argon2MemoryKiB: integer("PLINTH_IDENTITY_ARGON2_MEMORY_KIB", "memory of one password hash in KiB", {
    default: 19_456,
    min: 8,
    max: 1 << 20,
  }),
  argon2Iterations: integer("PLINTH_IDENTITY_ARGON2_ITERATIONS", "passes of one password hash", {
    default: 2,
    min: 1,
    max: 10,
  }),
  hashConcurrencyMax: integer("PLINTH_IDENTITY_HASH_CONCURRENCY_MAX", "password hashes computed at a time", {
    // Node computes them on four threads that file and name look-ups need as well.
    default: Math.min(3, availableParallelism()),
    min: 1,
    max: 64,
  }),
  hashQueueMax: integer("PLINTH_IDENTITY_HASH_QUEUE_MAX", "password hashes that may wait; more are refused at once", {
    default: 100,
    max: 10_000,
  }),
};
