import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { NoteSchema } from "../../gen/notes/v1/notes_pb.ts";
import type { Note } from "../domain/note.ts";

export const noteToMessage = ({ createTime, ...same }: Note): MessageInitShape<typeof NoteSchema> => ({
  ...same,
  createTime: timestampFromDate(createTime),
});
