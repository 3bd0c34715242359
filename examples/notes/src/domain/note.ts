import { Fault } from "@plinth/kernel";

export interface Note {
  /** UUID version 7: a later note has a greater id. */
  id: string;
  ownerId: string;
  title: string;
  text: string;
  createTime: Date;
}

export const noteNotFound = (id: string): Fault =>
  new Fault({ code: "not_found", reason: "NOTE_NOT_FOUND", message: `there is no note ${id}` });
