A guest hangs. To its host it is a process like any other; its driver says nothing for 30 s, and it is restarted.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess reboot

at 2s: write web block 1 "written before"
at 10s: fault guest-hang web
run until quiet
expect web runs on h1 with a newer epoch; web block 1 reads "written before"; incident of web closed; no alarm
