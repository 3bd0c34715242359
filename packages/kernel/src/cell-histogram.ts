import { type HrTime, ValueType } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import { systemClock } from "./clock.ts";

export interface CellHistogramOptions {
  name: string;
  description: string;
  unit: string;
  /** Inclusive upper bounds of the buckets, ascending. */
  boundaries: readonly number[];
}

type Attributes = Readonly<Record<string, string>>;

/** One combination of attributes. Whoever records keeps it: finding it by its attributes is what costs. */
export class HistogramCell {
  readonly attributes: Attributes;
  readonly counts: number[];
  readonly #boundaries: readonly number[];
  sum = 0;
  count = 0;

  constructor(attributes: Attributes, boundaries: readonly number[]) {
    this.attributes = attributes;
    this.#boundaries = boundaries;
    this.counts = new Array<number>(boundaries.length + 1).fill(0);
  }

  record(value: number): void {
    const boundaries = this.#boundaries;
    let bucket = 0;
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += value;
    this.count++;
  }
}

/** A histogram for paths on which the SDK's own, which hashes the attributes of every record, costs too much. */
export class CellHistogram {
  readonly #options: CellHistogramOptions;
  readonly #cells = new Map<string, HistogramCell>();
  readonly #startTime = now();

  constructor(options: CellHistogramOptions) {
    this.#options = options;
  }

  /** The cell of these attributes, made at the first call. Their combinations must be few. */
  cell(attributes: Attributes): HistogramCell {
    const key = JSON.stringify(Object.entries(attributes).sort());
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new HistogramCell(attributes, this.#options.boundaries);
      this.#cells.set(key, cell);
    }
    return cell;
  }

  collect(): HistogramMetricData {
    const { name, description, unit, boundaries } = this.#options;
    const endTime = now();
    return {
      descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [...this.#cells.values()].map(({ attributes, counts, sum, count }) => ({
        startTime: this.#startTime,
        endTime,
        attributes,
        value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count },
      })),
    };
  }
}

/** All of the process, as OpenTelemetry keeps its instruments, too. */
const histograms = new Map<string, CellHistogram>();

/** The histogram of this name, made at the first call. `startTelemetry` shows it among the metrics. */
export function cellHistogram(options: CellHistogramOptions): CellHistogram {
  let histogram = histograms.get(options.name);
  if (histogram === undefined) {
    histogram = new CellHistogram(options);
    histograms.set(options.name, histogram);
  }
  return histogram;
}

/** Hands them to a metric reader. */
export const cellHistograms: MetricProducer = {
  async collect() {
    const metrics = [...histograms.values()].map((histogram) => histogram.collect());
    return {
      resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: "plinth" }, metrics }] },
      errors: [],
    };
  },
};

function now(): HrTime {
  const ms = systemClock.now();
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];
}
