#!/bin/bash
# One task per shard of an input:
#   sbatch --array=1-8 slurm-array.sh questions.jsonl -m /models/gemma.gguf
#SBATCH --job-name=llmbatch
#SBATCH --output=llmbatch-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
# Slurm starts a task again when its node is lost or preempted.
#SBATCH --requeue
# This script gets SIGTERM a minute before the time limit. Requests in flight may finish, for 30 seconds at most.
#SBATCH --signal=B:TERM@60

# For a task that is submitted alone, as with --array=3, set the number of shards: SHARDS=8.
shards=${SHARDS:-$SLURM_ARRAY_TASK_COUNT}
llmbatch run "$@" --shard "$SLURM_ARRAY_TASK_ID/$shards" --progress plain &
run=$!
trap 'kill -TERM "$run"' TERM

# SIGTERM ends the first wait at once. The second one has the exit code of llmbatch.
wait "$run"
wait "$run"
code=$?

# 143: ended by SIGTERM. The same command continues the shard.
if [ "$code" -eq 143 ]; then scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi
exit "$code"
