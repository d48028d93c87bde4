The new site is lost as well, after the way home was prepared. The VMs go back, and nothing is lost.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
60s after plan p1 is recovered: reprotect plan p1
5m after plan p1 is ready: fault site-loss site-b
6m after group shop is protected: failover plan p1 without a test because "now the other one burns"
run until quiet
expect web run at a; nothing was lost; lost as reported; report of p1: failover success
