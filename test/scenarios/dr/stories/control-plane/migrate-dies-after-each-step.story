The control plane dies after each step of a planned migration, before anybody has heard that it was done. What comes of it is as if nothing had happened.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
after step check of plan-migrate: kill the control plane for 20s
after step shutDownWave of plan-migrate: kill the control plane for 20s
after step finalSync of plan-migrate: kill the control plane for 20s
after step demoteSource of plan-migrate: kill the control plane for 20s
after step promote of plan-migrate: kill the control plane for 20s
after step switchVms of plan-migrate: kill the control plane for 20s
after step startWave of plan-migrate: kill the control plane for 20s
after step confirmWave of plan-migrate: kill the control plane for 20s
after step report of plan-migrate: kill the control plane for 20s
run until quiet
expect web run at b; nothing was lost; lost exactly as reported; report of p1: migrate success; plan p1 is recovered; no alarm
