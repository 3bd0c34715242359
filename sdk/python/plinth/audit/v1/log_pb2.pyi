from google.protobuf import timestamp_pb2 as _timestamp_pb2
from plinth.audit.v1 import audit_pb2 as _audit_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
EXPORT_FORMAT_CSV: ExportFormat
EXPORT_FORMAT_JSON_LINES: ExportFormat
EXPORT_FORMAT_OCSF: ExportFormat
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
NUMBERING_EVENTS: Numbering
NUMBERING_RECORDS: Numbering
NUMBERING_UNSPECIFIED: Numbering

class AddCosignaturesRequest(_message.Message):
    __slots__ = ["lines", "size"]
    LINES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    lines: str
    size: int
    def __init__(self, size: _Optional[int] = ..., lines: _Optional[str] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ["note", "origin", "root_hash", "size", "time"]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    note: str
    origin: str
    root_hash: bytes
    size: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, note: _Optional[str] = ..., origin: _Optional[str] = ..., size: _Optional[int] = ..., root_hash: _Optional[bytes] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConsistencyProof(_message.Message):
    __slots__ = ["from_size", "hashes", "to_root_hash", "to_size"]
    FROM_SIZE_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    TO_ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    TO_SIZE_FIELD_NUMBER: _ClassVar[int]
    from_size: int
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    to_root_hash: bytes
    to_size: int
    def __init__(self, from_size: _Optional[int] = ..., to_size: _Optional[int] = ..., to_root_hash: _Optional[bytes] = ..., hashes: _Optional[_Iterable[bytes]] = ...) -> None: ...

class EntryProof(_message.Message):
    __slots__ = ["entry", "leaf", "tlog_proof"]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    TLOG_PROOF_FIELD_NUMBER: _ClassVar[int]
    entry: _audit_pb2.Entry
    leaf: bytes
    tlog_proof: str
    def __init__(self, entry: _Optional[_Union[_audit_pb2.Entry, _Mapping]] = ..., tlog_proof: _Optional[str] = ..., leaf: _Optional[bytes] = ...) -> None: ...

class ExportEntriesRequest(_message.Message):
    __slots__ = ["filter", "format", "position", "proofs"]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    filter: _audit_pb2.EntryFilter
    format: ExportFormat
    position: ExportPosition
    proofs: bool
    def __init__(self, filter: _Optional[_Union[_audit_pb2.EntryFilter, _Mapping]] = ..., format: _Optional[_Union[ExportFormat, str]] = ..., proofs: bool = ..., position: _Optional[_Union[ExportPosition, _Mapping]] = ...) -> None: ...

class ExportEntriesResponse(_message.Message):
    __slots__ = ["lines", "position"]
    LINES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    lines: bytes
    position: ExportPosition
    def __init__(self, lines: _Optional[bytes] = ..., position: _Optional[_Union[ExportPosition, _Mapping]] = ...) -> None: ...

class ExportPosition(_message.Message):
    __slots__ = ["sequence", "tree_size"]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    tree_size: int
    def __init__(self, sequence: _Optional[int] = ..., tree_size: _Optional[int] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ["first", "found_time", "last", "numbering", "source"]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    FOUND_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    NUMBERING_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    first: int
    found_time: _timestamp_pb2.Timestamp
    last: int
    numbering: Numbering
    source: str
    def __init__(self, source: _Optional[str] = ..., first: _Optional[int] = ..., last: _Optional[int] = ..., found_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., numbering: _Optional[_Union[Numbering, str]] = ...) -> None: ...

class GetCheckpointRequest(_message.Message):
    __slots__ = ["cosigned"]
    COSIGNED_FIELD_NUMBER: _ClassVar[int]
    cosigned: bool
    def __init__(self, cosigned: bool = ...) -> None: ...

class GetConsistencyProofRequest(_message.Message):
    __slots__ = ["from_size", "to_size"]
    FROM_SIZE_FIELD_NUMBER: _ClassVar[int]
    TO_SIZE_FIELD_NUMBER: _ClassVar[int]
    from_size: int
    to_size: int
    def __init__(self, from_size: _Optional[int] = ..., to_size: _Optional[int] = ...) -> None: ...

class GetEntryProofRequest(_message.Message):
    __slots__ = ["id"]
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetInclusionProofRequest(_message.Message):
    __slots__ = ["id", "tree_size"]
    ID_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    id: str
    tree_size: int
    def __init__(self, id: _Optional[str] = ..., tree_size: _Optional[int] = ...) -> None: ...

class GetWitnessRequestRequest(_message.Message):
    __slots__ = ["old_size"]
    OLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    old_size: int
    def __init__(self, old_size: _Optional[int] = ...) -> None: ...

class InclusionProof(_message.Message):
    __slots__ = ["hashes", "leaf", "leaf_index", "root_hash", "tree_size"]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    TREE_SIZE_FIELD_NUMBER: _ClassVar[int]
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    leaf: bytes
    leaf_index: int
    root_hash: bytes
    tree_size: int
    def __init__(self, leaf_index: _Optional[int] = ..., tree_size: _Optional[int] = ..., root_hash: _Optional[bytes] = ..., hashes: _Optional[_Iterable[bytes]] = ..., leaf: _Optional[bytes] = ...) -> None: ...

class ListGapsRequest(_message.Message):
    __slots__ = ["source"]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    def __init__(self, source: _Optional[str] = ...) -> None: ...

class ListGapsResponse(_message.Message):
    __slots__ = ["gaps", "reuses"]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    REUSES_FIELD_NUMBER: _ClassVar[int]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    reuses: _containers.RepeatedCompositeFieldContainer[Reuse]
    def __init__(self, gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., reuses: _Optional[_Iterable[_Union[Reuse, _Mapping]]] = ...) -> None: ...

class ListLogKeysRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ListLogKeysResponse(_message.Message):
    __slots__ = ["keys", "origin"]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[LogKey]
    origin: str
    def __init__(self, origin: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[LogKey, _Mapping]]] = ...) -> None: ...

class LogKey(_message.Message):
    __slots__ = ["create_time", "key", "retire_time"]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    RETIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    create_time: _timestamp_pb2.Timestamp
    key: str
    retire_time: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., retire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Reuse(_message.Message):
    __slots__ = ["entry_id", "first", "found_time", "last", "numbering", "source"]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    FOUND_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    NUMBERING_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    entry_id: str
    first: int
    found_time: _timestamp_pb2.Timestamp
    last: int
    numbering: Numbering
    source: str
    def __init__(self, source: _Optional[str] = ..., numbering: _Optional[_Union[Numbering, str]] = ..., first: _Optional[int] = ..., last: _Optional[int] = ..., entry_id: _Optional[str] = ..., found_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RotateLogKeyRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class WitnessRequest(_message.Message):
    __slots__ = ["body", "size"]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    body: str
    size: int
    def __init__(self, body: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Numbering(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
