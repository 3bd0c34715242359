import { Fault } from "@plinth/kernel";
import type { Term } from "./lease-election.ts";
import type { Transport } from "./transport.ts";

/**
 * A transport whose writes go out only while the term is held, and are cut when it is lost. A process that was stopped and
 * went on after its lease ran out writes nothing, whatever it had in hand.
 */
export function fenceWrites(transport: Transport, term: Term): Transport {
  return {
    ...transport,
    async send(call) {
      if (call.method === "GET") return transport.send(call);
      if (!term.isHeld()) throw lost(term);
      const signal = call.signal ? AbortSignal.any([call.signal, term.signal]) : term.signal;
      return transport.send({ ...call, signal });
    },
  };
}

const lost = (term: Term): Fault =>
  new Fault({
    code: "aborted",
    reason: "LEADERSHIP_LOST",
    message: `term ${term.token} of this leader is over; another instance goes on`,
  });
