import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { buildHouse } from './house.ts';

const app = new App();
buildHouse(app);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
