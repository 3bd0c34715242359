import type { Transaction } from "@plinth/postgres";
import type { Confirmation } from "../domain/erasure.ts";

/** Who confirmed the erasure of which user. */
export interface ErasureStore {
  list(userId: string): Promise<Confirmation[]>;
  /**
   * Stores a confirmation and returns all there are. Undefined when there is nothing to store: the service confirmed
   * before, or there is no erased user of this id.
   */
  addIn(tx: Transaction, userId: string, confirmation: Confirmation): Promise<Confirmation[] | undefined>;
}
