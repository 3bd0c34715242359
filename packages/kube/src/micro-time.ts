/** RFC 3339 with microseconds, as Kubernetes' MicroTime demands. */
export const formatMicroTime = (nowMs: number): string => new Date(nowMs).toISOString().replace("Z", "000Z");
