// The same exports for `import`: one instance of the package, however it is loaded.
import ringmain from './index.js'

export const {
  open, onNotice, restore, salvage, verify,
  RingmainError, ManualClock, Hub, Schedule, Queue, DeadLetters, Consumer, Worker, Job, PackedJobs, Peeked, Receipt,
  Batcher, Group, Member, Processing, Producer, Reader, Record, Stream, StreamWorker, Table
} = ringmain
