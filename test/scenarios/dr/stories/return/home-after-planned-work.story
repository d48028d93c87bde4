To the other site and home again, both planned. Nothing is lost on either way, and the roles are as at the start.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
60s after plan p1 is recovered: reprotect plan p1
5m after plan p1 is ready: failback plan p1 without a test because "the work is done"
run until quiet
expect web run at a; nothing was lost; plan p1 is ready; group shop is protected; report of p1: failback success
