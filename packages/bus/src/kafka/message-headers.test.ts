import { expect, test } from "vitest";
import type { BusMessage } from "../bus.ts";
import { fromRecord, toRecord } from "./message-headers.ts";

const message: BusMessage = {
  ...{ id: "i", source: "shop", type: "shop.v1.Sold", subject: "items/1", topic: "shop.item.v1", key: "1" },
  ...{ time: new Date(0), data: Buffer.from("x"), actor: "user:1", requestId: "r", traceparent: undefined },
};

test("sequences compare as text, as CloudEvents wants", () => {
  const texts = [9n, 10n, 2n ** 63n - 1n].map((sequence) =>
    String(toRecord({ ...message, sequence }).headers["ce_sequence"]),
  );
  expect(texts).toEqual(texts.toSorted());
  expect(new Set(texts.map((text) => text.length))).toEqual(new Set([19]));
});

test.each(["", "0", "-1", "1e3", "20260101T00", "9".repeat(20)])(
  "a sequence %j of another producer is none",
  (text) => {
    const record = { ...toRecord(message), timestamp: "0" };
    const read = fromRecord(message.topic, { ...record, headers: { ...record.headers, ce_sequence: text } });
    expect(read.sequence).toBeUndefined();
  },
);

test("retention counts from when a record is written, and the event says itself when it happened", () => {
  const record = toRecord(message);
  expect(record).not.toHaveProperty("timestamp");
  expect(fromRecord(message.topic, { ...record, timestamp: "1700000000000" }).time).toEqual(message.time);
});
