// Types of streams. `index.d.ts` of the package exports all of them.

import type { EventEmitter } from 'node:events'
import type { Batched, Bytes, MessageOptions, Receipt, Received, RingmainError, WaitOptions } from '../../index.js'

/** Options of a stream. What is left out stays as stored, or takes its default; `null` takes a limit away. */
export interface StreamOptions {
  /** How many partitions. Default 1, at most 1024. One that exists with fewer gets more, unless keys of its records would move. */
  partitions?: number
  /** Lets it have more partitions although its keys move: records of a key may then be read before older ones. Default false. */
  forceGrowth?: boolean
  /** How long a record is kept after it was accepted. Default without limit. */
  ageMaxMs?: number | null
  /** How many bytes each partition keeps, in segments that go as a whole. Default without limit. */
  bytesMax?: number | null
  /** How many of its last records each partition keeps. Default without limit. */
  countMax?: number | null
  /** Leaves out what a later record of the same key has replaced; records must have keys then. Default none. */
  compaction?: CompactionOptions | null
  /** Lets a record go as soon as every group has committed past it. Needs one of the limits beside it. Default false. */
  untilRead?: boolean
  /** In memory only: appends wait for the slowest open reader. Needs `countMax`. Default: a slow reader loses what is not held any more. */
  slowReaders?: SlowReadersOptions | null
}

/** How a stream is compacted. What is left out takes its default, not what is stored. */
export interface CompactionOptions {
  /** Records younger than this all stay. Default 0. */
  lagMinMs?: number
  /** How long a tombstone stays. Default 24 hours. */
  tombstoneGraceMs?: number
  /** It begins by itself when so many percent of the bytes are not compacted, 1 to 100. Default 50. */
  dirtyPercentMin?: number
  /** The segment that is written to is ended when its first record is that old. Default 1 hour. */
  sealAfterMs?: number
  /** Readers see of each key the last record only, at once. Default false. */
  latestOnly?: boolean
  /** How many keys a stream with `latestOnly`, or a {@link Table}, has at most, 1 to 16 777 216. Default 1 000 000. */
  keysMax?: number
}

/** How appends wait for readers. */
export interface SlowReadersOptions {
  /** How long an append waits at most: 1 ms to ten years. */
  timeoutMs: number
  /** Then it is refused with `FULL`, or the reader loses what it has not read. */
  then: 'refuse' | 'lag'
}

/** Counts of one partition. */
export interface PartitionStats {
  /** First offset held. */
  start: number
  /** One past the last offset. */
  end: number
  /** Records that may be read. */
  records: number
  /** Bytes held, frame headers included. */
  bytes: number
  /** Records appended a second, over the last minute. */
  producedPerSecond: number
}

/** Counts of one consumer group. */
export interface GroupStats {
  name: string
  /** How far it is behind in each partition: records, and how long ago the first of them was appended. */
  lag: { records: number; ageMs: number }[]
  /** Records committed a second, over the last minute. */
  consumedPerSecond: number
  /** Grows whenever members or partitions come or go. */
  generation: number
  /** Members that are there. */
  members: number
  /** Those of them that have no partition. */
  idleMembers: number
  /** Members with a name that are away, and for which partitions are kept. */
  awayMembers: number
  /** Partitions that their owners were asked to let go of, and have not yet. */
  revokingPartitions: number
}

/** Counts of one stream. */
export interface StreamStats {
  partitions: PartitionStats[]
  /** Each group that ever committed, by name. */
  groups: GroupStats[]
  /** How often the records that a reader would have read next were removed. */
  outOfRangeTotal: number
}

/** Where a record is. Offsets of a partition increase; they are not promised to be dense. */
export interface Position {
  partition: number
  offset: number
}

/**
 * Where reading begins: at the first record held, after the last, at an offset in each partition, or at the first
 * record of at least an ingest time.
 */
export type Start = 'earliest' | 'latest' | { offset: number } | { timeNs: bigint }

/** Where reading ends: before what is appended from now on, before an offset, or before an ingest time. */
export type End = 'now' | { offset: number } | { timeNs: bigint }

/** What is done when the records that would be read next were removed: the error comes again and again, or once. */
export type Reset = 'fail' | 'earliest' | 'latest'

/** A value to append; `null` is a tombstone, which needs a key and says that it has no value any more. */
export type Value = Bytes | null

/** One of many records: a value, or a value with options. */
export type Appended = Batched<MessageOptions> | ({ value: null } & MessageOptions)

/** An event stream: each record is kept and read by any number of readers. */
export class Stream {
  private constructor()
  readonly name: string
  /** How many partitions it has. */
  readonly partitions: number
  /**
   * Appends a record; its position, once it is durable. Blocks for the disk. Records with the same key go to the same
   * partition, those without go round.
   * @throws {RingmainError} `TOO_LARGE`, `FULL` because of slow readers: nothing was appended.
   */
  append(value: Value, options?: MessageOptions): Position
  /** Appends a record; its position, once it is durable. What is appended meanwhile shares the write to the disk. */
  appendAsync(value: Value, options?: MessageOptions): Promise<Position>
  /** As {@link append}, to this partition whatever the key. */
  appendTo(partition: number, value: Value, options?: MessageOptions): Position
  /** As {@link appendAsync}, to this partition whatever the key. */
  appendToAsync(partition: number, value: Value, options?: MessageOptions): Promise<Position>
  /**
   * Appends several; those of one partition as one atomic batch, at most 65 536 and 16 MiB. Their positions in order.
   * Blocks for the disk.
   */
  appendMany(messages: Iterable<Appended>): Position[]
  /** Appends several; those of one partition as one atomic batch. Their positions in order. */
  appendManyAsync(messages: Iterable<Appended>): Promise<Position[]>
  /** As {@link appendMany}, to this partition whatever the keys: one atomic batch. */
  appendManyTo(partition: number, messages: Iterable<Appended>): Position[]
  /** As {@link appendManyAsync}, to this partition whatever the keys: one atomic batch. */
  appendManyToAsync(partition: number, messages: Iterable<Appended>): Promise<Position[]>
  /**
   * Appends to a partition as one atomic batch, but only if it ends at this offset: of several who read up to there and
   * append what follows from it, one succeeds. Blocks for the disk.
   * @throws {ConflictError} `CONFLICT`, with `actual`: where it ends. Nothing was appended.
   */
  appendExpecting(partition: number, end: number, messages: Iterable<Appended>): Position[]
  /** As {@link appendExpecting}, without blocking the thread. */
  appendExpectingAsync(partition: number, end: number, messages: Iterable<Appended>): Promise<Position[]>
  /** As {@link append}, and does not wait: the receipt does. */
  submit(value: Value, options?: MessageOptions): Receipt<Position>
  /** As {@link appendTo}, and does not wait: the receipt does. */
  submitTo(partition: number, value: Value, options?: MessageOptions): Receipt<Position>
  /** As {@link appendMany}, and does not wait: the receipt does. */
  submitMany(messages: Iterable<Appended>): Receipt<Position[]>
  /** As {@link appendManyTo}, and does not wait: the receipt does. */
  submitManyTo(partition: number, messages: Iterable<Appended>): Receipt<Position[]>
  /** Gathers records into batches before they are appended. */
  batcher(options?: BatcherOptions): Batcher
  /**
   * Opens a producer, making it if there is none of that name; handles that were opened before are refused from then
   * on. Blocks for the disk. At most 10 000 are kept, until they are deleted.
   */
  producer(name: string): Producer
  /** As {@link producer}, without blocking the thread. */
  producerAsync(name: string): Promise<Producer>
  /** Names of the producers that are kept, in order. */
  producers(): string[]
  /** Forgets how far a producer has come. Its records stay, its handles are refused. Blocks for the disk. */
  deleteProducer(name: string): void
  /** As {@link deleteProducer}, without blocking the thread. */
  deleteProducerAsync(name: string): Promise<void>
  /**
   * The last record of each key, of a stream that is compacted.
   * @throws {RingmainError} `INVALID_ARGUMENT` if it is not, `FULL` if it has more keys than `keysMax`.
   */
  table(): Table
  /** A reader. */
  reader(options?: ReaderOptions): Reader
  /** A consumer group, which need not exist yet. */
  group(name: string): Group
  /** Names of the groups that have committed. */
  groups(): string[]
  /**
   * Forgets a group, with all that it committed. Blocks for the disk.
   * @throws {RingmainError} `INVALID_ARGUMENT` while it has members, `NOT_FOUND`.
   */
  deleteGroup(name: string): void
  /** As {@link deleteGroup}, without blocking the thread. */
  deleteGroupAsync(name: string): Promise<void>
  /** The smallest offset of a partition whose record was accepted at or after a time; the end if there is none. */
  offsetAtTime(partition: number, timeNs: bigint): number
  /** As {@link offsetAtTime}, without blocking the thread for the disk. */
  offsetAtTimeAsync(partition: number, timeNs: bigint): Promise<number>
  /** The offset of the first record whose event time is at or after a time; the end if there is none. Reads up to there. */
  scanEventTime(partition: number, timeNs: bigint): number
  /** As {@link scanEventTime}, without blocking the thread. */
  scanEventTimeAsync(partition: number, timeNs: bigint): Promise<number>
  /** Compacts it now, as far as its options allow. Blocks. */
  compact(): void
  /** As {@link compact}, without blocking the thread. */
  compactAsync(): Promise<void>
  /** Counts. */
  stats(): StreamStats
}

/** What `appendExpecting` throws when the partition ends elsewhere. */
export interface ConflictError extends RingmainError {
  readonly code: 'CONFLICT'
  readonly stream: string
  readonly partition: number
  /** Where the caller expected it to end. */
  readonly expected: number
  /** Where it ends. */
  readonly actual: number
}

/** When a {@link Batcher} closes a batch: whichever comes first. */
export interface BatcherOptions {
  /** How long the first record of a batch waits for others. Default 0: each record is a batch. */
  lingerMs?: number
  /** Bytes of a batch, at most 16 MiB. Default 16 KiB. */
  maxBatchBytes?: number
  /** Records of a batch, at most 65 536, which is the default. */
  maxBatchMessages?: number
}

/** Gathers records into batches. What lingers is nowhere but in memory until its batch is closed. */
export class Batcher implements Disposable, AsyncDisposable {
  private constructor()
  /** Takes a record; where it is, once its batch is durable. They are appended, and end, in order. */
  send(value: Value, options?: MessageOptions): Promise<Position>
  /** Appends what was gathered, and waits until all that was sent is durable. Blocks. */
  flush(): void
  /** As {@link flush}, without blocking the thread. */
  flushAsync(): Promise<void>
  /** Appends what was gathered, and takes no more. */
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** What became of the messages of one append of a producer. */
export interface Accepted {
  /** Everything was there already, from an earlier append: nothing was appended. */
  duplicate: boolean
  /** Where each message is, in order; null for old duplicates, of which that is not known any more. */
  positions: (Position | null)[]
}

/** A producer by name: it numbers its messages from 0, and what it appends again is not appended twice. */
export class Producer {
  private constructor()
  readonly name: string
  /** How often it was opened, this time included. */
  readonly epoch: number
  /** The sequence to go on with: all messages before it were appended. */
  nextSequence(): number
  /**
   * Appends messages, the first of which has this sequence, once they are durable. Blocks for the disk. May be repeated
   * until it is heard of; the messages must be the same then.
   * @throws {RingmainError} `SEQUENCE_GAP`, `PRODUCER_FENCED` if it was opened again.
   */
  append(sequence: number, messages: Iterable<Appended>): Accepted
  /** As {@link append}, without blocking the thread. */
  appendAsync(sequence: number, messages: Iterable<Appended>): Promise<Accepted>
  /** As {@link append}, and does not wait: the receipt does, for everything of this producer up to here. */
  submit(sequence: number, messages: Iterable<Appended>): Receipt<Accepted>
}

/** The last record of each key of a compacted stream, as of each look. Reading it reads what was appended since. */
export class Table implements Iterable<[key: Buffer, record: Record]> {
  private constructor()
  /** The last record of a key; null if it has no value. */
  get(key: Bytes): Record | null
  /** Whether a key has a value. */
  has(key: Bytes): boolean
  /** How many keys have a value. */
  readonly size: number
  /** Keys that have a value: by partition, and there in the order in which they were written last. */
  keys(): Generator<Buffer, void, void>
  /** Their records. */
  values(): Generator<Record, void, void>
  /** Both. */
  entries(): Generator<[key: Buffer, record: Record], void, void>
  [Symbol.iterator](): Generator<[key: Buffer, record: Record], void, void>
}

/** A record of a stream. */
export class Record implements Received {
  private constructor()
  readonly partition: number
  /** Its number in the partition. */
  readonly offset: number
  /** Whether it says that its key has no value any more. */
  readonly isTombstone: boolean
  readonly value: Buffer
  text(): string
  json(): any
  readonly key: Buffer | null
  readonly headers: [name: string, value: Buffer][]
  header(name: string): Buffer | null
  readonly timeNs: bigint
  readonly eventTimeNs: bigint | null
}

/** How much {@link Reader.fetch} takes, and how long it waits for that. A record has 24 bytes beside its key, headers and value. */
export interface FetchOptions extends WaitOptions {
  /** It waits until there are so many bytes. Default 1. */
  bytesMin?: number
  /** It takes no more bytes, but a first record that has more all the same. Default 1 MiB. */
  bytesMax?: number
  /** It takes no more records, 1 to 65 536. Default 500. */
  countMax?: number
  /** It waits no longer, and returns what there is. Default 500. */
  timeoutMs?: number
}

/** How records are followed. */
export interface FollowOptions {
  /** Ends it with the signal's reason. */
  signal?: AbortSignal
  /** Whether the process may end while only this remains. Default false. */
  unref?: boolean
  /** It ends after so long, whether there is more or not. Default never. */
  endAfterMs?: number
}

declare class Source implements Iterable<Record>, AsyncIterable<Record>, Disposable, AsyncDisposable {
  protected constructor()
  /**
   * Up to `count` (default 500, at most 65 536) records, waiting for the first; none when `timeoutMs` is over, or a reader has come to
   * its end. Waiting takes no thread.
   * @throws {RingmainError} `OUT_OF_RANGE` if what it would read next was removed, see `onOutOfRange`.
   */
  poll(count?: number, options?: WaitOptions): Promise<Record[]>
  /** As {@link poll}, blocking at most `timeoutMs` (default 0). */
  pollSync(count?: number, timeoutMs?: number): Record[]
  /** As {@link poll}, and then waits for more, until there are `count`, or at most `fillMs` (default 0) since the first came. */
  pollBatch(count: number, options?: WaitOptions & { fillMs?: number }): Promise<Record[]>
  /** Records by bytes. Once it has some, an error or the signal only ends the waiting; the next call tells of it. */
  fetch(options?: FetchOptions): Promise<Record[]>
  /** Continues one partition at `offset`. */
  seek(partition: number, offset: number): void
  /** How many records it is behind: a reader, by its places; a member, by what its group has not committed. */
  lag(): number
  /** The records that are there now: `for (const record of reader)` ends at the end. */
  [Symbol.iterator](): Generator<Record, void, void>
  /** Records as they come, until it or the hub is closed: the same as `for await (const record of reader)`. */
  follow(options?: FollowOptions): AsyncGenerator<Record, void, void>
  [Symbol.asyncIterator](): AsyncGenerator<Record, void, void>
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Which records a reader wants. Keys and values of headers are compared byte for byte; at most 65 536 terms, 16 deep. A function is asked
 * for each record on this thread, the other forms are looked at before anything is copied.
 */
export type Filter =
  | { key: Bytes }
  | { keys: readonly Bytes[] }
  | { hasHeader: string }
  | { header: readonly [name: string, value: Bytes] }
  | { all: readonly Filter[] }
  | { any: readonly Filter[] }

/** How a reader reads. */
export interface ReaderOptions {
  /** Where it begins. Default `earliest`. */
  start?: Start
  /** Where it ends. Default nowhere. */
  until?: End
  /** Of one partition only. Default of all that there are. */
  partition?: number
  /** What it hands out. Default everything. */
  only?: Filter | ((record: Record) => boolean)
  /** What it does when the records that it would read next were removed. Default `fail`: until {@link Reader.seek}. */
  onOutOfRange?: Reset
}

/** How fast a stream is replayed. */
export interface ReplayOptions {
  /** How many times as fast as the records came. Default 1. */
  factor?: number
  /** Which time of a record counts: when it was accepted (default), or its event time. */
  timeOf?: 'ingest' | 'event'
  /** Longer gaps between two records are taken for gaps of this length, before the factor. Default none. */
  gapMaxMs?: number
  /** Ends it with the signal's reason. */
  signal?: AbortSignal
  /** Whether the process may end while only this remains. Default false. */
  unref?: boolean
}

/** Reads a stream at its own pace. */
export class Reader extends Source {
  private constructor()
  /** Whether it was told an end (`until`), and has come to it. */
  readonly isDone: boolean
  /**
   * Hands records out at the pace at which they came, on the hub's clock, in the order of their times, up to the end of
   * what is there. The reader itself is closed. A thread of the hub's waits for their times.
   */
  replay(options?: ReplayOptions): AsyncGenerator<Record, void, void>
  /** Closes it; waits on it end with `CLOSED`. */
  close(): void
}

/** Called with partitions that have come or go, and the member, whose verbs may be used. */
export type PartitionsCallback = (partitions: number[], member: Member) => void | Promise<void>

/** How a member joins. Times are on the hub's clock. */
export interface JoinOptions {
  /**
   * Where partitions begin that have no committed offset (default `earliest`), which is stored at once; `committed` joins
   * only if the group has committed before, and is `NOT_FOUND` otherwise.
   */
  start?: Start | 'committed'
  /** A name of its own: what it has is kept for the name while it is away. Who joins by it takes the place of one that is there. */
  memberName?: string
  /** For how long what a member with a name has is kept for it. Default 45 000. */
  sessionTimeoutMs?: number
  /** How long it may go without polling before it is given up for dead; `Infinity` for ever. Default 300 000. */
  maxPollIntervalMs?: number
  /** How long the owner of a partition that is to move may take to commit. The group's. Default 30 000. */
  revokeTimeoutMs?: number
  /** What it does when the records that it would read next were removed. Default `fail`. */
  onOutOfRange?: Reset
  /**
   * `manual` (default): when it is told to. `onPoll`: each poll first commits what the polls before it returned.
   * `atMostOnce`: before records are handed out; on a durable hub such a poll blocks for the disk.
   */
  commitMode?: 'manual' | 'onPoll' | 'atMostOnce'
  /** Partitions that it has got, before the first of their records is polled. */
  onAssign?: PartitionsCallback
  /**
   * Partitions that it is to let go of: nothing of them is polled any more. They go when what was polled of them is
   * committed, which this may do, or {@link Member.confirmRevoke} says so.
   */
  onRevoke?: PartitionsCallback
  /** Partitions that it has lost without having been asked. */
  onLost?: PartitionsCallback
}

/** A consumer group: its members share the partitions of a stream and commit how far they are. */
export class Group {
  private constructor()
  readonly name: string
  /**
   * Joins. Blocks for the disk. Callbacks are called on the event loop, within a poll or other verb of the member; what
   * they throw that verb throws, and what an async one rejects with the next wait.
   */
  join(options?: JoinOptions): Member
  /** As {@link join}, without blocking the thread. */
  joinAsync(options?: JoinOptions): Promise<Member>
  /** Committed offsets (next to read) by partition; null where nothing was committed. */
  committed(): (number | null)[]
  /** Records not yet committed, over all partitions. */
  lag(): number
}

/**
 * One member of a consumer group: reads the partitions that it owns. One that is to move to another member moves when this one has polled
 * again and has committed what it had polled of it, at the latest after `revokeTimeoutMs`; who does not poll for `maxPollIntervalMs` loses all.
 */
export class Member extends Source {
  private constructor()
  /**
   * Commits everything polled so far. Blocks for the disk.
   * @throws {RingmainError} `FENCED` if some of it went to another member; the rest is committed.
   */
  commit(): void
  /** Commits everything polled so far. Takes no thread. */
  commitAsync(): Promise<void>
  /** As {@link commit}, and does not wait: the receipt does. */
  submitCommit(): Receipt<void>
  /**
   * Commits one partition: `offset` is the next to read, not before what is committed. Blocks for the disk.
   * @throws {RingmainError} `FENCED` if the partition went to another member.
   */
  commitOffset(partition: number, offset: number): void
  /** As {@link commitOffset}, without blocking the thread. */
  commitOffsetAsync(partition: number, offset: number): Promise<void>
  /**
   * Marks one record as handled, whatever becomes of those before it; {@link commitDone} commits what is marked.
   * @throws {RingmainError} `FULL` if there were more than 10 000 gaps in the partition, `NOT_FOUND` if it is not its.
   */
  done(record: Record): void
  /** Commits what was marked: nobody gets it again, whoever has the partition next. Blocks for the disk. */
  commitDone(): void
  /** As {@link commitDone}, without blocking the thread. */
  commitDoneAsync(): Promise<void>
  /** Takes a partition back to `offset`: that is committed, and what was done beyond it is forgotten. Blocks for the disk. */
  rewind(partition: number, offset: number): void
  /** As {@link rewind}, without blocking the thread. */
  rewindAsync(partition: number, offset: number): Promise<void>
  /** The partitions it reads now. */
  assignment(): number[]
  /** The partitions it was asked to let go of and still has. */
  revoking(): number[]
  /** Lets go of a partition it was asked for, although not everything polled of it is committed. */
  confirmRevoke(partition: number): void
  /** Until it is ended or garbage collected, a handler of its records is running: it is not given up for dead, whether it polls or not. */
  processing(): Processing
  /** Leaves the group; what it polled and did not commit goes to the others. */
  leave(): void
}

/** Says that a handler of a member's records is running. */
export class Processing implements Disposable {
  private constructor()
  /** The handler has ended. */
  end(): void
  [Symbol.dispose](): void
}

/** How a worker of a stream works. Times are on this machine's clock. */
export interface StreamWorkerOptions {
  /** How many handlers run at a time, 1 to 1024. Default 1. More than one a partition are idle, unless they run `parallel`. */
  concurrency?: number
  /** How many handlers of one partition run at a time, 1 to 1024. Default 1, which keeps its order. */
  parallel?: number
  /** The handler is given an array of up to so many records of one partition, which are handled or fail together. Default: one record. */
  batch?: number
  /** How long a batch that is not full waits, since its first record was polled. Default 0. */
  batchWaitMs?: number
  /** When a record that failed is tried again: after `firstMs` (1000), then twice as long each time, at most `maxMs` (60 000). */
  retry?: { firstMs?: number; maxMs?: number }
  /** Failures after which a record is given up: the worker stops with `HANDLER_FAILED`, unless told otherwise. Default 5. */
  maxFailures?: number
  /** A record that is given up counts as handled. */
  skipFailed?: boolean
  /** A record that is given up goes here; when that has returned, it counts as handled. What it throws stops the worker. */
  handOverTo?: (record: Record, reason: string) => unknown
  /** Where the group begins if it has committed nothing. Default `earliest`. */
  start?: Start | 'committed'
  /** What it does when the records that it would read next were removed: `fail` (default) stops it. */
  onOutOfRange?: Reset
  /** The name of its member. */
  memberName?: string
  /** For how long what a member with a name has is kept for it. Default 45 000. */
  sessionTimeoutMs?: number
  /** The group's. Default 30 000. */
  revokeTimeoutMs?: number
  /** Whether the process may end while only idle workers remain. Default false. */
  unref?: boolean
}

/** What a handler is given beside its records. */
export interface HandlerContext {
  /** Aborted when the worker is closed by force or too late. */
  signal: AbortSignal
  /** How often these records have failed before. */
  failures: number
}

/** Counts of one worker, in records; totals since it was started. */
export interface StreamWorkerStats {
  /** Polled, and not in the hands of a handler. */
  waiting: number
  /** Handlers that run. */
  running: number
  doneTotal: number
  failedTotal: number
  handedOverTotal: number
  skippedTotal: number
  /** How often it went on elsewhere because records were removed. */
  outOfRangeTotal: number
  /** Handled while their partition went to another member, which handles them again. */
  lostTotal: number
}

/**
 * Runs a handler on each record of a stream, as one member of a group: in order within a partition, and committed after it. A record is
 * handled at least once: make handlers idempotent. A blocked event loop loses no partition. It starts at once, and runs until it is closed.
 *
 * Events: `completed` (record), `failed` (record, error), `drained` (nothing left to do), `error` (what ended it), `closed`.
 */
export class StreamWorker extends EventEmitter implements AsyncDisposable {
  constructor(
    stream: Stream,
    group: string,
    handler: (record: Record, context: HandlerContext) => unknown,
    options?: StreamWorkerOptions & { batch?: undefined }
  )
  constructor(
    stream: Stream,
    group: string,
    handler: (records: Record[], context: HandlerContext) => unknown,
    options: StreamWorkerOptions & { batch: number }
  )
  /** What ended it, if it was not closed. */
  readonly error: Error | undefined
  /** Counts. */
  stats(): StreamWorkerStats
  /** Begins no handler any more, until {@link resume}. Its partitions stay its. */
  pause(): void
  /** Goes on. */
  resume(): void
  /**
   * Begins no handler any more, waits at most `timeoutMs` (default 30 000) for those that run, commits what they have
   * handled, and leaves the group. `force` aborts their signal at once.
   * @throws {RingmainError} `TIMEOUT`: handlers still run; their signal is aborted, and what they return still counts.
   */
  close(options?: { timeoutMs?: number; force?: boolean }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
