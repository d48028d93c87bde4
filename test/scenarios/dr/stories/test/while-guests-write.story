Guests write and replication goes on while a plan is tested and cleaned up. A migration afterwards loses nothing.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop
guests write every 5s

at 10s: test plan p1
8m after plan p1 is testComplete: cleanup plan p1
60s after plan p1 is ready: migrate plan p1
run until quiet
expect web run at b; nothing was lost; report of p1: migrate success; no alarm
