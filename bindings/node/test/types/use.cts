// Compiled, never run: the package in a CommonJS file.
import ringmain = require('ringmain')

const hub: ringmain.Hub = ringmain.open(new URL('file:///data'))
const job: ringmain.Job | null = hub.queue('jobs').receiveSync(5)
console.log(job)
