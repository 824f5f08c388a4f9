// The same exports for `import`: one instance of the package, however it is loaded.
import ringmain from './index.js'

export const {
  open, RingmainError, Hub, Queue, Job, PackedJobs, Peeked, Receipt,
  Batcher, Group, Member, Processing, Producer, Reader, Record, Stream, StreamReceipt, StreamWorker, Table
} = ringmain
