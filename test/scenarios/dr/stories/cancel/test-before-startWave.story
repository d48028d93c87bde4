A test is cancelled before startWave: it removes what it has made, and all is as before.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop
guests write every 5s

at 5s: guests rest
at 6s: remember everything
at 10s: test plan p1
before step startWave of plan-test: cancel the execution of p1
run until quiet
expect web untouched; nothing was lost; as before; plan p1 is ready; report of p1: test failed; no alarm
