/** An instance that stops renewing disappears after this. */
export const defaultLeaseMs = 6_000;
