// Synthesises a stack with a Karpenter construct of npm, and one with a role written by hand, and
// prints both templates. Run with NODE_PATH at a folder that holds the packages of package.json.
const cdk = require('aws-cdk-lib');
const eks = require('aws-cdk-lib/aws-eks');
const iam = require('aws-cdk-lib/aws-iam');
const { Karpenter } = require('cdk-eks-karpenter');
const { KubectlV26Layer } = require('@aws-cdk/lambda-layer-kubectl-v26');

const app = new cdk.App({ outdir: process.argv[2] });

const made = new cdk.Stack(app, 'Construct');
const cluster = new eks.Cluster(made, 'Cluster', {
  version: eks.KubernetesVersion.of('1.30'),
  kubectlLayer: new KubectlV26Layer(made, 'Kubectl'),
  defaultCapacity: 0,
});
new Karpenter(made, 'Karpenter', { cluster, version: '1.0.8' });

// A role whose condition keys hold a token: the CDK keeps them in a custom resource.
const own = new cdk.Stack(app, 'Own');
const name = new cdk.CfnParameter(own, 'ClusterName', { type: 'String' });
const owned = new cdk.CfnJson(own, 'Owned', {
  value: { [`aws:ResourceTag/kubernetes.io/cluster/${name.valueAsString}`]: 'owned' },
});
const role = new iam.Role(own, 'KarpenterRole', {
  assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com'),
});
role.addToPolicy(new iam.PolicyStatement({
  actions: ['ec2:TerminateInstances', 'ec2:DeleteLaunchTemplate'],
  resources: [
    `arn:${cdk.Aws.PARTITION}:ec2:${cdk.Aws.REGION}:*:instance/*`,
    `arn:${cdk.Aws.PARTITION}:ec2:${cdk.Aws.REGION}:*:launch-template/*`,
  ],
  conditions: {
    StringEquals: owned,
    StringLike: { 'aws:ResourceTag/karpenter.sh/nodepool': '*' },
  },
}));

app.synth();
