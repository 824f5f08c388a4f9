import { open } from 'ringmain'

const hub = open() // in memory; open('data') keeps everything in that directory

const emails = hub.queue('emails', { maxFailures: 1, deadLetter: 'emails.dead' })
emails.send('ada@example.com', { headers: { subject: 'Welcome' } })
emails.send('nobody')
for (let job = emails.tryReceive(); job; job = emails.tryReceive()) {
  if (job.text().includes('@')) job.ack()
  else job.fail('there is no @ in it')
}
const dead = hub.queue('emails.dead').tryReceive()
console.log(`dead: ${dead.text()}, because ${dead.header('rm-dead-error')}`)
dead.ack()

const flights = hub.stream('flights', { partitions: 4 })
flights.append('{"carrier":"UA"}', { key: 'N14228' })
for (const flight of flights.reader()) console.log(`offset ${flight.offset}: ${flight.json().carrier}`)

await hub.close()
