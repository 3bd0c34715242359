export { type BalancerMetrics, createBalancerMetrics, type ObservedService } from "./balancer-metrics.ts";
export { type Breaker, type BreakerOptions, createBreaker } from "./breaker.ts";
export { Latency } from "./latency.ts";
export { type Ejection, Outlier, type OutlierOptions } from "./outlier.ts";
export { type Candidate, pickEndpoint } from "./pick-endpoint.ts";
export { createRetryBudget, type RetryBudget } from "./retry-budget.ts";
export { Search } from "./search.ts";
export { subsetFrom, subsetOf } from "./subset.ts";
