import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CheckpointSchema, LogKeySchema, LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { formatNoteKey, formatWitnessRequest } from "@plinth/transparency-log";
import type { CosignatureStore } from "../log/cosignatures.ts";
import type { LogHead } from "../log/log-head.ts";
import type { LogKey, LogKeys } from "../log/log-keys.ts";
import type { LogReader } from "../log/log-reader.ts";
import type { Sequencer } from "../log/sequencer.ts";

type Method = typeof LogService.method;

export const getCheckpoint =
  (reader: LogReader, origin: string): Handler<Method["getCheckpoint"]> =>
  async ({ cosigned }) =>
    checkpointMessage(await reader.checkpoint({ cosigned }), origin);

export const listLogKeys =
  (keys: LogKeys, origin: string): Handler<Method["listLogKeys"]> =>
  async () => ({ origin, keys: (await keys.list()).map(keyMessage) });

export const rotateLogKey =
  (keys: LogKeys, sequencer: Sequencer): Handler<Method["rotateLogKey"]> =>
  async (_, call) => {
    const made = await keys.rotate(call);
    // The next checkpoint has both signatures; a failure here only delays it.
    await sequencer.round({ sign: true });
    return keyMessage(made);
  };

export const getWitnessRequest =
  (reader: LogReader): Handler<Method["getWitnessRequest"]> =>
  async ({ oldSize }) => {
    const { size, checkpoint } = await reader.checkpoint();
    const { hashes } = await reader.consistency(Number(oldSize), size);
    const body = formatWitnessRequest({ oldSize: Number(oldSize), proof: hashes, checkpoint });
    return { body, size: BigInt(size) };
  };

export const addCosignatures =
  (cosignatures: CosignatureStore, reader: LogReader, origin: string): Handler<Method["addCosignatures"]> =>
  async ({ size, lines }) => {
    await cosignatures.keep(Number(size), lines);
    return checkpointMessage(await reader.checkpoint({ cosigned: true }), origin);
  };

const checkpointMessage = (head: LogHead, origin: string): MessageInitShape<typeof CheckpointSchema> => ({
  note: head.checkpoint,
  origin,
  size: BigInt(head.size),
  rootHash: head.root,
  time: timestampFromDate(head.time),
});

const keyMessage = ({ key, createTime, retireTime }: LogKey): MessageInitShape<typeof LogKeySchema> => ({
  key: formatNoteKey(key),
  createTime: timestampFromDate(createTime),
  ...(retireTime ? { retireTime: timestampFromDate(retireTime) } : {}),
});
