The control plane dies after each step of a failover, before anybody has heard that it was done. What comes of it is as if nothing had happened.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: fault site-loss site-a for 10m
at 5m: failover plan p1
after step fenceOld of plan-failover: kill the control plane for 20s
after step promote of plan-failover: kill the control plane for 20s
after step switchVms of plan-failover: kill the control plane for 20s
after step startWave of plan-failover: kill the control plane for 20s
after step confirmWave of plan-failover: kill the control plane for 20s
after step report of plan-failover: kill the control plane for 20s
run until quiet
expect web run at b; something was lost; lost exactly as reported; report of p1: failover success; plan p1 is recovered
