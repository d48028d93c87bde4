An asynchronous link is down for longer than the RPO. An alarm is raised, and cleared when a point is complete again.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
guests write every 5s

at 60s: fault link-cut a-b for 15m
run until 40m
expect web untouched; once alarm rpo-violated on shop; group shop is protected; no alarm
