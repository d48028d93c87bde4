A planned migration breaks off at shutDownWave. The same action once more goes on from there, and the end is that of an undisturbed one.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 60s

at 61s: migrate plan p1
before step shutDownWave of plan-migrate: fault call-timeout site-a for 25m
at 40m: migrate plan p1
run until quiet
expect web run at b; nothing was lost; lost exactly as reported; plan p1 is recovered; report of p1: migrate success
