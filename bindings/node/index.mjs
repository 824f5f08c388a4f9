// The same exports for `import`: one instance of the package, however it is loaded.
import ringmain from './index.js'

export const { open, RingmainError, Hub, Queue, Job, PackedJobs, Peeked, Receipt, Stream, Reader, Record, Group, Member } = ringmain
