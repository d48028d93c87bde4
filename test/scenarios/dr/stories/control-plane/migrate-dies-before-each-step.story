The control plane dies before each step of a planned migration, and comes again. What comes of it is as if nothing had happened.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
before step check of plan-migrate: kill the control plane for 20s
before step shutDownWave of plan-migrate: kill the control plane for 20s
before step finalSync of plan-migrate: kill the control plane for 20s
before step demoteSource of plan-migrate: kill the control plane for 20s
before step promote of plan-migrate: kill the control plane for 20s
before step switchVms of plan-migrate: kill the control plane for 20s
before step startWave of plan-migrate: kill the control plane for 20s
before step confirmWave of plan-migrate: kill the control plane for 20s
before step report of plan-migrate: kill the control plane for 20s
run until quiet
expect web run at b; nothing was lost; lost exactly as reported; report of p1: migrate success; plan p1 is recovered; no alarm
