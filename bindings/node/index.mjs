// The same exports for `import`: one instance of the package, however it is loaded.
import ringmain from './index.js'

export const {
  open, RingmainError, Hub, Queue, Job, Peeked,
  Batcher, Group, Member, Processing, Producer, Reader, Receipt, Record, Stream, StreamWorker, Table
} = ringmain
