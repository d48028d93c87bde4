A cluster is disarmed while its switches are exchanged: a host is out of reach meanwhile and back before it is armed again.
Nothing was done to it.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 5s: disarm c1
at 30s: fault management-partition h1 for 40s; fault storage-partition h1 for 40s
at 150s: arm c1
run until 250s
expect web untouched; nothing restarted; h1 online; incident of h1 falseAlarm; no alarm
