# Needs no provider but the built-in one: the policy is an output, and what terraform_data keeps.
variable "policy" {
  type        = string
  description = "Path of a policy file."
}

resource "terraform_data" "karpenter" {
  input = file(var.policy)
}

output "karpenter_policy" {
  value = file(var.policy)
}
