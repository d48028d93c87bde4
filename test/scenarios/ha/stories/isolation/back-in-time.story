An isolated host sees others again five seconds before it would have powered its VMs off: they keep running.

cluster c1: 3 hosts of 16 cores and 64 GiB
set c1: isolationResponse powerOff
vm web x2 on h1

at 10s: fault nic-down h1 for 25s
run until 200s
expect web untouched; nothing restarted; h1 online; incident of h1 falseAlarm; no alarm
