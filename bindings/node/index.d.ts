/**
 * Ringmain: task queues and event streams in a library, in memory or durable on local disk, with no broker.
 *
 * Everything here may be used from the main thread and from worker threads. Verbs that may wait for the disk come
 * twice: the plain one blocks its thread until the hub's durability is reached (for a durable hub one synced write,
 * shared with whoever writes at the same time), the one that ends in `Async` does the same on Node's thread pool.
 * Waiting for messages never takes a thread.
 *
 * Misuse and failures throw (or reject with) a {@link RingmainError}; nothing was changed then.
 *
 * @packageDocumentation
 */

/// <reference types="node" />

import { EventEmitter } from 'node:events'
import type { Stream, StreamOptions, StreamStats } from './lib/stream/index.js'

/**
 * What the verbs of a durable hub wait for: `synced` (survives power loss, the default), `written` (survives a killed
 * process), `relaxed` (nothing; at most the last 100 ms are lost).
 */
export type Durability = 'synced' | 'written' | 'relaxed'

/**
 * Opens a hub.
 *
 * - no path: a hub in memory of your own;
 * - `memory:NAME`: a hub in memory that every thread of this process which opens the same name shares;
 * - anything else: the durable hub in that directory, made if need be. One process has it open at a time; within the
 *   process every thread that opens it gets a handle of the same hub, closed when the last handle is.
 *
 * @throws {RingmainError} `LOCKED` if another process has it open, `IO`, `CORRUPT`, `UNSUPPORTED`, and
 * `INVALID_ARGUMENT` if it is open in this process with another durability.
 */
export function open(path?: string | URL, options?: HubOptions): Hub

/** Options of a hub. Of one that is open in this process already, they must be those that it has; leave them out to share that. */
export interface HubOptions {
  /** What verbs wait for. Default `synced`. */
  durability?: Durability
  /** How long a write that nobody waits for may stay in memory. Default 100. */
  relaxedMaxMs?: number
  /** How much each journal file holds. Default 16 MiB, 4 KiB to 1 GiB. */
  journalBytesMax?: number
  /** From how much on a queue or stream writes to its own file at once. Default 128 KiB, 4 KiB to 16 MiB. */
  streamingBytesMin?: number
  /** How much of the file system publishing leaves free. Default a twentieth of it, at most 1 GiB. */
  diskReserveBytes?: number
  /** Opens a directory that everybody may write, too. Default false. */
  allowWorldWritable?: boolean
  /** Where queues in memory that spill make their files. Default the system's for temporary files. */
  scratchDirectory?: string
  /** For tests: time stands still but for {@link ManualClock.advance}. */
  clock?: ManualClock
}

/** A clock that stands still, at first at one second after 1970, until it is moved. For tests: `open(path, { clock })`. */
export class ManualClock {
  constructor()
  /** The time that it shows, in nanoseconds since 1970. */
  readonly nowNs: bigint
  /** Moves it, and all hubs that were opened with it. What falls due has happened when this returns. */
  advance(ms: number): void
}

/** Something that an operator should see. docs/events.md tells what each means, and what to do. */
export interface Notice {
  /** For instance `lease_expired`. */
  name: string
  level: 'error' | 'warn' | 'info' | 'debug'
  /** The same in words. */
  message: string
  /** What belongs to it: the queue, the id, ... */
  fields: { [name: string]: any }
}

/**
 * Calls `listener` with whatever this process's hubs notice, of at least `level` (default `info`), on this thread's event loop. At most 1024
 * wait for it; more are counted and told as one `notices_missed`.
 *
 * @returns A function that ends it.
 */
export function onNotice(listener: (notice: Notice) => void, options?: { level?: Notice['level'] }): () => void

/** What was found when all of a directory was read. */
export interface Report {
  records: number
  segments: number
  bytes: number
  isSound: boolean
  damage: {
    of: string
    path: string
    bytePosition: number | null
    detail: string
    loss: string
    lostFirst: number | null
    lostEnd: number | null
    text: string
  }[]
  /** The error for which it cannot be opened. */
  refused: { code: number; name: ErrorCode; message: string } | null
  /** The same in words. */
  text: string
}

/** Reads all of the directory of a hub that nobody has open, and changes nothing. */
export function verify(directory: string): Promise<Report>
/** Reads all of a snapshot, and copies it into the new directory `into` if nothing of it is damaged. */
export function restore(snapshot: string, into: string): Promise<Report>
/** Copies everything that can still be read of a damaged directory into the new directory `into`. */
export function salvage(directory: string, into: string): Promise<Report>

/** The name of an error: the same table in every language. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_NAME'
  | 'TOO_LARGE'
  | 'NOT_FOUND'
  | 'LOCKED'
  | 'CLOSED'
  | 'LEASE_LOST'
  | 'TIMEOUT'
  | 'POISONED'
  | 'CORRUPT'
  | 'IO'
  | 'UNSUPPORTED'
  | 'FENCED'
  | 'OUT_OF_RANGE'
  | 'OPTION_MISMATCH'
  | 'OPTION_MISSING'
  | 'FORKED'
  | 'INTERNAL'
  | 'INVALID_HANDLE'
  | 'DISK_FULL'
  | 'FULL'
  | 'DUPLICATE'
  | 'CONFLICT'
  | 'SEQUENCE_GAP'
  | 'PRODUCER_FENCED'
  | 'HANDLER_FAILED'

/** Why a verb did not do what was asked. */
export class RingmainError extends Error {
  private constructor()
  readonly name: 'RingmainError'
  /** Which error. */
  readonly code: ErrorCode
  /** The stable number of the code. */
  readonly number: number
}

/** Bytes to send: text is sent as UTF-8. What is given is copied before the verb returns. */
export type Bytes = string | Uint8Array | ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/** Headers to send: at most 64, names of 1 to 255 bytes, values of at most 32 KiB. `rm-` names are the engine's. */
export type Headers = { readonly [name: string]: Bytes } | Iterable<readonly [name: string, value: Bytes]>

/** What a message may carry beside its value. A message is at most 1 MiB in all. */
export interface MessageOptions {
  /** Chooses the partition of a stream; a label on a queue. At most 4096 bytes. */
  key?: Bytes
  /** Headers, in order; a name may repeat. */
  headers?: Headers
  /** When what it tells of happened, in nanoseconds since 1970. */
  eventTimeNs?: bigint
}

/** Options of a message for a queue. */
export interface SendOptions extends MessageOptions {
  /** Not delivered before this much time has passed. At most ten years. */
  delayMs?: number
  /** Not delivered before this time, in nanoseconds since 1970. Wins over `delayMs`. */
  deliverAtNs?: bigint
  /** 0 to 9, delivered from the largest down. Default 4. */
  priority?: number
  /** How long it may wait, 1 ms to ten years, however often it comes back; then it expires. Not while it is leased. */
  ttlMs?: number
  /** A deadline for its first delivery, 1 ms to ten years from now. The queue says what happens when it is missed. */
  startWithinMs?: number
  /** A deadline for its ack, 1 ms to ten years from now. */
  completeWithinMs?: number
  /** The same at a time in nanoseconds since 1970. Wins over `completeWithinMs`. */
  completeByNs?: bigint
  /** Messages of one ordering key are delivered one at a time, in the order sent. At most 4096 bytes. */
  orderingKey?: Bytes
  /** Failures after which it is exhausted, at least 1, whatever its queue says. */
  maxFailures?: number
  /** One whose key the queue still remembers is a duplicate and not sent again. At most 4096 bytes. */
  dedupKey?: Bytes
  /** What the verb waits for, if that is more than the hub's own durability. Of a batch the safest counts. */
  durability?: Durability
}

/** What became of a message that may be a duplicate. */
export interface Sent {
  /** Its id; of a duplicate the first message's. */
  id: number
  /** The queue still remembered its `dedupKey`. */
  isDuplicate: boolean
}

/** One of many messages: a value, or a value with options. */
export type Batched<Options> = Bytes | ({ value: Bytes } & Options)

/** How to wait. */
export interface WaitOptions {
  /** How long to wait at most; 0 only looks. Default: for ever. */
  timeoutMs?: number
  /** Ends the wait with the signal's reason. Nothing is lost: a message is taken only for somebody who still waits. */
  signal?: AbortSignal
  /** Whether the process may end while only this wait (and others like it) remain. Default false. */
  unref?: boolean
}

/** How much to receive at a time, beyond how many. */
export interface GatherOptions {
  /** Messages to wait for. Default 1. */
  countMin?: number
  /** Bytes of values at most; one message that is longer is delivered alone. Default 1 MiB. */
  bytesMax?: number
  /** How long they are leased, 1 ms to seven days, instead of the queue's own time. Not with the other two. */
  leaseMs?: number
}

/** An open hub. Close it: until then, and while it is not garbage collected, its directory is locked. */
export class Hub implements AsyncDisposable, Disposable {
  private constructor()
  /** Whether this handle was closed. */
  readonly closed: boolean
  /**
   * Opens a queue, making it if it does not exist. A new queue must say what happens to exhausted messages
   * (`deadLetter` or `onExhausted`); what is given alters what is stored.
   *
   * @param name 1 to 128 bytes of `A-Z a-z 0-9 . _ -`, starting with a letter or digit, not ending in a dot.
   */
  queue(name: string, options?: QueueOptions): Queue
  /**
   * Opens a stream, making it if it does not exist; what is given alters what is stored. Blocks for the disk.
   *
   * @throws {RingmainError} `INVALID_ARGUMENT` if keys of its records would move; `OPTION_MISMATCH` if it has more partitions.
   */
  stream(name: string, options?: StreamOptions): Stream
  /** As {@link stream}, without blocking the thread. */
  streamAsync(name: string, options?: StreamOptions): Promise<Stream>
  /** Names of the queues, in order. */
  queues(): string[]
  /** Names of the streams, in order. */
  streams(): string[]
  /** The options of a queue as they are stored; it is not opened. */
  queueInfo(name: string): QueueInfo
  /** The options of a stream as they are stored; it is not opened. */
  streamInfo(name: string): { [option: string]: any }
  /** Deletes a queue with all its messages. Handles of it refuse every verb from then on. */
  deleteQueue(name: string): Promise<void>
  /** Deletes a stream with all its records and what its groups committed. */
  deleteStream(name: string): Promise<void>
  /** Makes everything written so far durable. Blocks. */
  flush(): void
  /** Makes everything written so far durable. */
  flushAsync(): Promise<void>
  /** The hub's time, in nanoseconds since 1970. */
  readonly nowNs: bigint
  /** The counts as text that Prometheus scrapes. */
  prometheus(): string
  /**
   * Copies a durable hub, while it is in use, into a directory that is empty or not there yet.
   *
   * @param options `onProgress` hears how far it has come; `signal` stops it, and then there is no copy.
   */
  snapshot(into: string, options?: {
    signal?: AbortSignal
    onProgress?: (progress: { copiedBytes: number; totalBytes: number }) => void
  }): Promise<{ queues: number; streams: number; segments: number; bytes: number }>
  /** Makes, alters or opens a schedule. What is left out stays as stored; a new one needs `cron`, `queue` and `message`. */
  schedule(name: string, options?: ScheduleOptions): Schedule
  /** Every schedule, by name. */
  schedules(): ScheduleInfo[]
  /** Counts of every queue and stream that is open. */
  stats(): HubStats
  /**
   * Closes this handle: verbs and waits on it end with `CLOSED`, jobs leased through it are released. The last handle
   * of a hub waits at most `timeoutMs` (default 5000) for callers inside, makes everything durable and unlocks the
   * directory. Closing it again waits for the first close and does nothing else.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
  /** Closes it, blocking. */
  [Symbol.dispose](): void
}

/** Options of a schedule. */
export interface ScheduleOptions {
  /** When: five fields (minute, hour, day of month, month, day of week), or six with seconds first. */
  cron?: string
  /** Whose time, for instance `Europe/Berlin`. Default UTC. */
  timeZone?: string
  /** What it does about slots that it could not fire in time. Default `one`. */
  missed?: 'skip' | 'one' | { all: { max: number } }
  /** The queue, which must exist. */
  queue?: string | Queue
  /** The message. */
  message?: Bytes | ({ value: Bytes } & Pick<SendOptions, 'key' | 'headers' | 'delayMs' | 'priority' | 'ttlMs' | 'orderingKey'>)
}

/** A schedule as it is stored. */
export interface ScheduleInfo {
  name: string
  cron: string
  timeZone: string
  missed: 'skip' | 'one' | { all: { max: number } }
  queue: string
  isPaused: boolean
  lastSlotNs: bigint | null
  nextSlotNs: bigint | null
  /** The error for which it could not fire. */
  failure: { code: number; name: ErrorCode; message: string } | null
}

/** A message that the hub sends to a queue by itself. */
export class Schedule {
  private constructor()
  readonly name: string
  info(): ScheduleInfo
  /** Fires no more until it is resumed, in whichever process. */
  pause(): void
  /** Goes on from now; what came while it was paused was not missed. */
  resume(): void
  /** Deletes it. What it has sent stays in the queue. */
  delete(): void
}

/** Options of a queue. What is left out stays as stored, or takes its default; null takes away what can be taken away. */
export interface QueueOptions {
  /** How long a delivery is leased. Default 30 000, 1 to 604 800 000 (seven days). */
  leaseMs?: number
  /** How long in all, however often it is extended. Default an hour. */
  leaseTotalMaxMs?: number
  /** Failures after which a message is exhausted. Default 5. */
  maxFailures?: number
  /** The queue that exhausted and rejected messages move to, made if it does not exist. */
  deadLetter?: string | null
  /** What happens to exhausted messages where there is no dead letter queue: dropped, or kept and retried for ever. */
  onExhausted?: 'dead_letter' | 'drop' | 'keep'
  /** The delay before a failed message is tried again: `min(capMs, baseMs * factor ** (n - 1))`, then jitter. */
  retry?: RetryOptions | null
  /** How long a message may wait before it expires. */
  ttlMs?: number
  /** What happens when a deadline is missed. */
  onBreach?: 'none' | 'dead' | 'cancel' | { escalateTo: string } | { moveTo: string } | null
  /** What becomes of errors of a class; classes that are not named stay as they are. */
  errorClasses?: { name: string; rule: 'retried' | 'permanent' | 'ignored' }[]
  /** How duplicates are told. */
  dedup?: {
    windowMs?: number
    mode?: 'fixed' | 'sliding' | 'until_done' | 'until_started'
    onConflict?: 'ignore' | 'replace' | 'extend' | 'error'
    verifyPayload?: boolean
    entriesMax?: number
  } | null
  /** How much it holds, and what happens beyond. `blockMs` goes with `block` only (default 30 000, null for ever). */
  capacity?: {
    messages?: number | null
    bytes?: number | null
    overflow?: 'block' | 'reject' | 'drop_oldest' | 'drop_newest' | 'drop_lowest_priority' | 'dead_letter_oldest' | 'spill'
    blockMs?: number | null
  } | null
  /** What is kept of messages that have left. */
  history?: { windowMs: number; countMax: number } | null
  /** Most messages out at a time. */
  concurrencyMax?: number
  /** Most messages of one key out at a time. */
  concurrencyMaxPerKey?: number
  /** Deliveries. */
  rate?: { perSecond: number; burst?: number }
  /** Deliveries of one key. */
  ratePerKey?: { perSecond: number; burst?: number }
  /** Whether only the oldest consumer gets messages. */
  singleActiveConsumer?: boolean
  /** Time in which the priority of what waits rises by one. */
  ageStepMs?: number
  /** Most messages of one ordering key out at a time. Default 1. */
  groupParallelism?: number
  /** What happens to the rest of an ordering key of which one died. */
  onGroupDeath?: 'continue' | 'halt'
}

/** The options of a queue as they are stored. */
export type QueueInfo = { [Option in keyof QueueOptions]-?: QueueOptions[Option] | null } & { isPaused: boolean }

/** The delay before a retry. What is left out takes its default, not what is stored. */
export interface RetryOptions {
  /** First delay. Default 1000. */
  baseMs?: number
  /** Growth. Default 2. */
  factor?: number
  /** Longest delay. Default 600 000. */
  capMs?: number
  /** `none`: as computed; `equal`: half, and a random part of the other half; `full` (default): a random part. */
  jitter?: 'none' | 'equal' | 'full'
}

/** A task queue: each message goes to one of its competing consumers. */
export class Queue implements AsyncIterable<Job> {
  private constructor()
  readonly name: string
  /** Sends a message; its id, once it is durable. Blocks for the disk. */
  send(value: Bytes, options?: SendOptions): number
  /** Sends a message; its id, once it is durable. */
  sendAsync(value: Bytes, options?: SendOptions): Promise<number>
  /** Sends several as one atomic batch (at most 65 536 and 16 MiB); their ids in order. Blocks for the disk. */
  sendMany(messages: Iterable<Batched<SendOptions>>): number[]
  /** Sends several as one atomic batch; their ids in order. */
  sendManyAsync(messages: Iterable<Batched<SendOptions>>): Promise<number[]>
  /**
   * Sends values that lie one after the other as one atomic batch: the first is `values` from `offsets[0]` up to `offsets[1]`, and so on; their
   * ids. The fastest way to send.
   */
  sendPacked(values: Uint8Array, offsets: Uint32Array): Float64Array
  /** Sends a message and tells whether it was a duplicate. Blocks for the disk. */
  sendUnique(value: Bytes, options?: SendOptions): Sent
  /** Sends a message and tells whether it was a duplicate. */
  sendUniqueAsync(value: Bytes, options?: SendOptions): Promise<Sent>
  /** Sends a message and does not wait for the disk: its receipt does. */
  submit(value: Bytes, options?: SendOptions): Receipt<number>
  /** A job if one is ready, else null. */
  tryReceive(): Job | null
  /** Up to `count` jobs that are ready. */
  tryReceiveMany(count: number): Job[]
  /** A job; null when `timeoutMs` is over. Waiting takes no thread. */
  receive(options?: WaitOptions): Promise<Job | null>
  /** Up to `count` jobs, waiting for the first; none when `timeoutMs` is over. */
  receiveMany(count: number, options?: WaitOptions & GatherOptions): Promise<Job[]>
  /** A job; null when `timeoutMs` (default: never) is over. Blocks its thread: for worker threads. */
  receiveSync(timeoutMs?: number): Job | null
  /** Up to `count` jobs, blocking for the first. For worker threads. */
  receiveManySync(count: number, timeoutMs?: number, options?: GatherOptions): Job[]
  /** A message that was set aside with {@link Job.defer}; null if it is not there, or something is in its way. */
  receiveDeferred(id: number): Job | null
  /**
   * Receives values that are ready into memory of yours: the first is `values` from `offsets[0]` up to `offsets[1]`, and so on. At most as many as
   * `offsets` has room for, and as fit into `values`; null if there are none. Keys and headers are left out. The fastest way to receive.
   *
   * @throws {RingmainError} `TOO_LARGE` if not even one fits; it is handed back.
   */
  receivePacked(values: Uint8Array, offsets: Uint32Array): PackedJobs | null
  /** Acks many jobs of this queue with one commit. For each: null, or why it was not acked. */
  ackMany(jobs: readonly Job[]): (RingmainError | null)[]
  /** Fails many jobs of this queue with one commit; as {@link Queue.ackMany}. */
  failMany(jobs: readonly Job[], reason: string | Error): (RingmainError | null)[]
  /** Releases many jobs of this queue with one commit; as {@link Queue.ackMany}. */
  releaseMany(jobs: readonly Job[]): (RingmainError | null)[]
  /** As {@link ackMany}, without blocking the thread. */
  ackManyAsync(jobs: readonly Job[]): Promise<(RingmainError | null)[]>
  /** As {@link failMany}, without blocking the thread. */
  failManyAsync(jobs: readonly Job[], reason: string | Error): Promise<(RingmainError | null)[]>
  /** As {@link releaseMany}, without blocking the thread. */
  releaseManyAsync(jobs: readonly Job[]): Promise<(RingmainError | null)[]>
  /** Up to `count` (default 1) waiting messages with an id of at least `fromId`, by id, unchanged. */
  peek(count?: number, fromId?: number): Peeked[]
  /** Takes a waiting message out for good. False: it is gone, or out; then its job `isCancelled`. */
  cancel(id: number): boolean
  /** The same, and takes one that is out from its worker. True: it was there. */
  cancelNow(id: number): boolean
  /** Has a waiting message wait until `delayMs` from now. False: it is out, set aside, or gone. */
  reschedule(id: number, delayMs: number): boolean
  /** The same, until a time in nanoseconds since 1970. */
  rescheduleAt(id: number, timeNs: bigint): boolean
  /** Deadlines that were missed since this was asked last, oldest first, the last 1024. */
  breaches(): { id: number; deadline: 'start' | 'complete'; timeNs: bigint }[]
  /** Takes every message out for good that waits; how many. */
  purge(): Promise<number>
  /** The same, and takes those that are out, too; how many. */
  purgeAll(): Promise<number>
  /** The dead letters in this queue. */
  readonly deadLetters: DeadLetters
  /** What became of a message that has left the queue, if it keeps that ({@link QueueOptions.history}), else null. */
  finished(id: number): Finished | null
  /** The same of up to `countMax` (default 100) messages with an id of at least `fromId`, by id. */
  finishedFrom(fromId: number, countMax?: number): Finished[]
  /** Why a message is not being delivered now. */
  explain(id: number): Explanation
  /** Delivers nothing until it is resumed; that outlives the hub. */
  pause(): void
  /** Delivers again. */
  resume(): void
  /** Ordering keys of which nothing is delivered because a message died. */
  haltedGroups(): { key: Buffer; id: number; reason: string; error: string; timeNs: bigint; messages: number }[]
  /** Has a halted ordering key go on. False: it was not halted. */
  resumeGroup(orderingKey: Bytes): boolean
  /** Gives an ordering key so many turns in a row, 1 (the default) to 100. */
  setWeight(orderingKey: Bytes, weight: number): void
  /** Counts. */
  stats(): QueueStats
  /** Workers that would keep up, and bring the backlog down within `drainMs`. 0 before an ack was timed. */
  desiredWorkers(drainMs: number): number
  /** A consumer that takes `prefetch` (default 1) jobs at a time. */
  consumer(options?: { prefetch?: number }): Consumer
  /**
   * Jobs one after the other, until the hub is closed: `for await (const job of queue)` is the same with no options.
   * Each is yours to settle. `prefetch` (default 1) jobs are leased at a time; those not handed out when the loop
   * ends are released.
   */
  jobs(options?: { prefetch?: number; signal?: AbortSignal; unref?: boolean }): AsyncGenerator<Job, void, void>
  [Symbol.asyncIterator](): AsyncGenerator<Job, void, void>
}

/**
 * What a verb that did not wait gives: {@link wait} tells when it has reached its durability. Those of one queue, stream,
 * producer or member are reached in order. Throwing one away changes nothing.
 */
export class Receipt<T> {
  private constructor()
  /** What it is for. */
  readonly value: T
  /** Whether it has reached its durability. Looks, and does not wait. */
  isReached(): boolean
  /**
   * Waits until it has; what it is for.
   * @throws {RingmainError} `POISONED`: it is not known whether it is on disk. `TIMEOUT`: not yet; wait again.
   */
  wait(options?: WaitOptions): Promise<T>
}

/** Which dead letters: those for which everything holds that is given. */
export interface Letters {
  ids?: number[]
  fromId?: number
  reason?: string
  class?: string
  errorContains?: string
  /** The queue that they died in. */
  queue?: string
  diedFromNs?: bigint
  diedBeforeNs?: bigint
}

/** A message that was looked at. */
export interface Letter {
  id: number
  attempts: number
  failures: number
  timeNs: bigint
  eventTimeNs: bigint | null
  key: Buffer | null
  headers: { name: string; value: Buffer }[]
  value: Buffer
}

/** The dead letters of a queue. `letters` left out: all. */
export class DeadLetters {
  private constructor()
  /** Up to `countMax` (default 100) of them, by id, unchanged. */
  peek(letters?: Letters, countMax?: number): Letter[]
  /** Sends them back: to the queue `to`, or each to the one that it died in; so many a second, or all at once; how many. */
  redrive(letters?: Letters, options?: { to?: string; perSecond?: number; keepFailures?: boolean }): Promise<number>
  /** Throws them away; how many. */
  discard(letters?: Letters): Promise<number>
  /** Writes them, unchanged, into the new file `path`, one JSON object a line; how many. */
  export(path: string, letters?: Letters): Promise<number>
}

/** What became of a message that has left its queue. */
export interface Finished {
  id: number
  key: Buffer | null
  ending: 'done' | 'dead' | 'expired' | 'cancelled' | 'dropped'
  sentNs: bigint
  finishedNs: bigint
  attempts: number
  failures: number
  result: Buffer | null
}

/** Why a message is not being delivered. */
export interface Explanation {
  queue: string
  id: number
  timeNs: bigint
  /** Each a `cause` and what belongs to it, the message's own first. */
  causes: { cause: string; [detail: string]: any }[]
  /** The same in words. */
  text: string
}

/**
 * Takes jobs ahead, and hands them out one by one. The consumers of a queue stand in a row; of a queue with a single active consumer only the
 * first gets jobs.
 */
export class Consumer implements AsyncIterable<Job>, AsyncDisposable, Disposable {
  private constructor()
  /** The next job; null when `timeoutMs` is over. */
  receive(options?: WaitOptions): Promise<Job | null>
  /** Acks a job and all that were handed out before it and are still out, with one commit. */
  ackUpTo(job: Job): void
  /** A message that was set aside; null if it is not there. */
  receiveDeferred(id: number): Job | null
  /** Jobs one after the other, until it or the hub is closed. */
  jobs(options?: { signal?: AbortSignal; unref?: boolean }): AsyncGenerator<Job, void, void>
  /** Leaves the row; what it took ahead is released. */
  close(): void
  [Symbol.asyncIterator](): AsyncGenerator<Job, void, void>
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of a worker. */
export interface WorkerOptions {
  /** Handlers that run at a time. Default 1. */
  concurrency?: number
  /** Jobs that are leased beyond those. Default 0: really one at a time. */
  prefetch?: number
  /** After so long without a turn of the event loop, leases are no longer prolonged. Default: they always are. */
  stallMs?: number
  /** How long a handler may take; then its job fails, and its signal is aborted. Default: as long as it likes. */
  timeoutMs?: number
  /** How long a lease is prolonged altogether. Default an hour. */
  leaseTotalMaxMs?: number
  /** The class of an error, of which the queue says what becomes. */
  classify?: (error: Error, job: Job) => string | undefined
  /** Whether what handlers return is kept with the queue's history, as JSON unless it is text or bytes; at most 4 KiB. */
  keepResults?: boolean
  /** Whether it starts paused. */
  paused?: boolean
  /** Whether the process may end before it is closed. Default false. */
  unref?: boolean
  /** Closes it. */
  signal?: AbortSignal
}

/** The events of a worker. */
export interface WorkerEvents {
  /** A handler has ended well, and its job is acked. */
  completed: [job: Job, result: any]
  /** A handler has thrown, or took too long; its job is failed. */
  failed: [job: Job, error: Error]
  /** A job's lease was lost while its handler was running. */
  stalled: [job: Job]
  /** There is nothing more to do. */
  drained: []
  /** The queue refused something. If nobody listens it is a warning of the process. */
  error: [error: Error]
  /** No handler runs any more. */
  closed: []
}

/**
 * Runs a handler on each job of a queue. A handler that returns has its job acked, one that throws has it failed; a handler may also settle
 * its job itself. Leases are prolonged by a thread of their own while handlers run, so that a busy event loop loses none.
 *
 * ```ts
 * const worker = new Worker(queue, async (job, { signal }) => { ... }, { concurrency: 8 })
 * worker.on('failed', (job, error) => console.error(job.id, error))
 * await worker.close()
 * ```
 */
export class Worker extends EventEmitter implements AsyncDisposable {
  constructor(queue: Queue, handler: (job: Job, context: { readonly signal: AbortSignal }) => unknown, options?: WorkerOptions)
  readonly queue: Queue
  readonly isPaused: boolean
  readonly isClosed: boolean
  /** How many handlers are running. */
  readonly running: number
  /** Takes no more jobs until it is resumed. */
  pause(): void
  resume(): void
  /** Keeps the process alive until it is closed. */
  ref(): void
  /** Does not. */
  unref(): void
  /** Takes no more jobs and waits for its handlers; with `force` aborts their signals and hands their jobs back. */
  close(force?: boolean): Promise<void>
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this
  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this
  [Symbol.asyncDispose](): Promise<void>
}

/** What messages and records have in common. */
export interface Received {
  /** The value. Yours: nothing else writes to it. */
  readonly value: Buffer
  /** The value as UTF-8. */
  text(): string
  /** The value as JSON. */
  json(): any
  /** The key, or null. */
  readonly key: Buffer | null
  /** All headers, in order. */
  readonly headers: [name: string, value: Buffer][]
  /** The first header of that name, or null. */
  header(name: string): Buffer | null
  /** When it was sent or appended, in nanoseconds since 1970. */
  readonly timeNs: bigint
  /** The sender's event time in nanoseconds since 1970, or null. */
  readonly eventTimeNs: bigint | null
}

/** A message of a queue, looked at without leasing it. */
export class Peeked implements Received {
  protected constructor()
  /** Its number in the queue. */
  readonly id: number
  /** Leases granted so far. */
  readonly attempts: number
  /** Failures counted so far. */
  readonly failures: number
  readonly value: Buffer
  text(): string
  json(): any
  readonly key: Buffer | null
  readonly headers: [name: string, value: Buffer][]
  header(name: string): Buffer | null
  readonly timeNs: bigint
  readonly eventTimeNs: bigint | null
}

/**
 * A message leased to you until it is settled or its lease expires. A dead letter says why in its headers
 * (`rm-dead-reason`, `rm-dead-error`, `rm-dead-queue`, ...).
 *
 * Every verb throws `LEASE_LOST` if the lease is no longer yours, and then changes nothing; a second `ack` is fine.
 * A job that is garbage collected unsettled is released, and so are those of a hub handle or worker that closes.
 */
export class Job extends Peeked implements Disposable {
  private constructor()
  readonly value: Buffer
  /**
   * Done: never delivered again.
   *
   * @param result At most 4 KiB that the queue keeps with its history; a queue that keeps none throws `OPTION_MISSING`.
   */
  ack(result?: Bytes): void
  /**
   * Failed: counts, then it is retried after `delayMs` (default: the queue's retry delay) or exhausted.
   *
   * @param options `class`: a name of 1 to 64 bytes, of which the queue says what becomes; not with `delayMs`.
   */
  fail(reason: string | Error, options?: FailOptions): void
  /** Hands it back, to be delivered after `delayMs` (default 0). Does not count. */
  release(options?: { delayMs?: number }): void
  /** Dead letter now. */
  reject(reason: string | Error): void
  /** Prolongs the lease to `ms` from now; never shortens it. */
  extend(ms: number): void
  /** Hands it back, and no message of its key (of the queue, if it has none) is delivered for so long. Does not count. */
  rateLimited(retryAfterMs: number): void
  /** Sets it aside: only {@link Queue.receiveDeferred} delivers it, by its id. */
  defer(): void
  /** Whether the work is no longer wanted: the message was cancelled, or taken out of the queue. */
  isCancelled(): boolean
  /** As {@link ack}, without blocking the thread. */
  ackAsync(result?: Bytes): Promise<void>
  /** As {@link fail}, without blocking the thread. */
  failAsync(reason: string | Error, options?: FailOptions): Promise<void>
  /** As {@link release}, without blocking the thread. */
  releaseAsync(options?: { delayMs?: number }): Promise<void>
  /** As {@link reject}, without blocking the thread. */
  rejectAsync(reason: string | Error): Promise<void>
  /** As {@link extend}, without blocking the thread. */
  extendAsync(ms: number): Promise<void>
  /** As {@link rateLimited}, without blocking the thread. */
  rateLimitedAsync(retryAfterMs: number): Promise<void>
  /** As {@link defer}, without blocking the thread. */
  deferAsync(): Promise<void>
  /** Releases it unless it is settled. */
  [Symbol.dispose](): void
}

/** How a job failed. */
export interface FailOptions {
  /** How long until it is tried again. Default: as the queue says. */
  delayMs?: number
  /** The class of the error. Not with `delayMs`. */
  class?: string
}

/**
 * The messages of one packed receive, leased together. Verbs take a range of them, all by default, one commit each, and return those that could
 * not be settled, each with its `index`. Garbage collected, what is not settled is released.
 */
export class PackedJobs implements Disposable {
  private constructor()
  /** How many there are. */
  readonly count: number
  /** Done: from `from` up to `to`. */
  ack(from?: number, to?: number): (RingmainError & { index: number })[]
  /** Failed, as {@link Job.fail}. */
  fail(reason: string | Error, from?: number, to?: number): (RingmainError & { index: number })[]
  /** Handed back. */
  release(from?: number, to?: number): (RingmainError & { index: number })[]
  /** Releases those that are not settled. */
  [Symbol.dispose](): void
}

/** Counts of one queue: of what is in it now, of what was since the hub was opened (`...Total`), and rates over the last minute. */
export interface QueueStats {
  /** Messages that a receive would get now. */
  ready: number
  /** Messages that wait for their time. */
  scheduled: number
  /** Messages that wait for others of their ordering key. */
  blocked: number
  haltedGroups: number
  /** Messages out with a worker. */
  leased: number
  /** Messages set aside. */
  deferred: number
  dying: number
  /** Dead letters in it. */
  deadLetters: number
  oldestReadyAgeMs: number
  publishedPerSecond: number
  consumedPerSecond: number
  processingTimeTotalMs: number
  processingTimeMeanMs: number | null
  processingCount: number
  sentTotal: number
  ackedTotal: number
  failuresTotal: number
  failuresIgnoredTotal: number
  leasesExpiredTotal: number
  redeliveriesTotal: number
  deadTotal: number
  expiredTotal: number
  cancelledTotal: number
  startBreachesTotal: number
  completeBreachesTotal: number
  failuresByClass: { name: string; count: number }[]
  redrivenTotal: number
  purgedTotal: number
  droppedTotal: number
  refusedTotal: number
  droppedOldestTotal: number
  droppedNewestTotal: number
  droppedLowestPriorityTotal: number
  deadLetteredOldestTotal: number
  dedupHitsTotal: number
  dedupEntries: number
  memoryBytes: number
  spilledBytes: number
}

/** What a hub holds, by name. */
export interface HubStats {
  queues: { [name: string]: QueueStats }
  streams: { [name: string]: StreamStats }
  /** Bytes of torn ends that were cut when the hub was opened. */
  recoveredCutBytes: number
  diskFreeBytes: number | null
  diskReserveBytes: number
  /** How it writes, in words. */
  storage: string
}

export * from './lib/stream/index.js'
